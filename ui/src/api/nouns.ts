// The API's objects in the page's words. What they look like is generated from the API's description.

import type { Blocked, MayVerb } from "./generated";

export type {
  Account,
  ActionKey,
  Audit as AuditEvent,
  Blocked,
  Branch,
  Commit,
  Deployment,
  Environment,
  Event as StoaEvent,
  Instance,
  InstanceStatus,
  Invitation,
  Job,
  JobStatus,
  Line as LogLine,
  Link as InvitationLink,
  MayVerb as Verb,
  Member,
  MyWorkspace,
  Named,
  Passkey,
  Permissions,
  Preset,
  Project,
  Role,
  Server,
  Session,
  Stage,
  Summary,
  Token as AccessToken,
  VariableWish as Variable,
  Workspace,
} from "./generated";

/** What the caller may do with an object, and what its state forbids now. */
export type Able = { may: MayVerb[]; blocked: { [verb: string]: Blocked } };
