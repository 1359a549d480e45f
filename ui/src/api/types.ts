// The API's objects as the page reads them. Written by hand from the API's views; to be replaced by what is generated
// from its description, under the same names.

export type ActionKey =
  | "view_projects"
  | "restart_instances"
  | "connect_as_user"
  | "merge_branches"
  | "stop_instances"
  | "delete_instances"
  | "manage_backups"
  | "view_logs"
  | "use_ide"
  | "manage_settings";

export type Verb =
  | "start"
  | "stop"
  | "restart"
  | "deploy"
  | "delete"
  | "connect_as"
  | "backup"
  | "read_logs"
  | "use_ide"
  | "change_settings"
  | "merge"
  | "invite"
  | "manage";

export type Blocked = { code: string; detail: string; until?: string };
/** What the caller may do with an object, and what its state forbids now. */
export type Able = { may: Verb[]; blocked: Partial<Record<Verb, Blocked>> };

export type Role = "owner" | "member";
export type Stage = "production" | "staging" | "development";
export type InstanceStatus = "deploying" | "running" | "stopped" | "failed" | "deleting";
export type Visibility = "public" | "members";

export type MyWorkspace = {
  id: string;
  slug: string;
  name: string;
  role: Role;
  logo_url: string | null;
  primary_color: string;
};

export type Account = {
  id: string;
  name: string;
  email: string;
  email_verified: boolean;
  is_admin: boolean;
  mail_on_failure: boolean;
  workspaces: MyWorkspace[];
};

/** `null` lists are an owner's: not restricted. */
export type Permissions = {
  actions: ActionKey[];
  projects: string[] | null;
  instances: string[] | null;
  servers: string[] | null;
};

export type Workspace = Able & MyWorkspace & { created_at: string; permissions: Permissions };

export type SlugAnswer = {
  slug: string;
  available: boolean;
  reason?: "taken" | "reserved" | "invalid";
  suggestion?: string;
};

/** What a plain member isn't told about others is absent. */
export type Member = {
  id: string;
  account: { name: string; email?: string; email_verified?: boolean };
  role: Role;
  permissions?: Permissions;
  joined_at?: string;
  last_seen_at?: string;
};

export type Invitation = {
  id: string;
  email: string;
  status: "pending" | "accepted" | "revoked" | "expired";
  delivery: "mail" | "link";
  mail: { status: "waiting" | "sent" | "refused"; error: string | null; since: string | null } | null;
  invited_by: string | null;
  created_at: string;
  expires_at: string;
  link?: string;
};

export type InvitationLink = {
  workspace: { name: string; logo_url: string | null; primary_color: string };
  invited_by: string;
  email: string;
  account_exists?: boolean;
};

export type Explanation = {
  allowed: boolean;
  because: "owner" | "granted" | "action_missing" | "resource_not_allowed";
  detail: string;
};

export type Session = {
  id: string;
  created_at: string;
  last_seen_at: string;
  address: string;
  user_agent: string;
  is_current: boolean;
};

export type AccessToken = {
  id: string;
  name: string;
  last4: string;
  actions: ActionKey[] | null;
  workspaces: string[] | null;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  token?: string;
};

export type AuditEvent = {
  id: string;
  seq: number;
  at: string;
  actor: string | null;
  actor_name: string;
  via: string;
  address: string | null;
  action: string;
  resource_kind: string | null;
  resource_id: string | null;
  resource_name: string | null;
  outcome: string;
  second_name: string | null;
  repeated: number;
  detail: unknown;
};

export type Named = { id: string; slug: string; name: string };

export type JobStatus = "queued" | "running" | "succeeded" | "failed" | "cancelled";
export type Job = {
  id: string;
  kind: string;
  instance: string | null;
  status: JobStatus;
  step: string;
  progress: number | null;
  created_at: string;
  ended_at: string | null;
  error: { code: string; detail?: string } | null;
};

export type Instance = Able & {
  id: string;
  slug: string;
  name: string;
  project: Named;
  server: Named | null;
  stage: Stage;
  status: InstanceStatus;
  reason: string | null;
  branch: string;
  commit: string | null;
  url: string | null;
  visibility: Visibility;
  is_protected: boolean;
  job: Job | null;
  created_at: string;
};

export type Variable = { name: string; value: string | null; secret: boolean };
export type Environment = { environment: Variable[]; restart_needed: boolean };

export type Project = Able & {
  id: string;
  slug: string;
  name: string;
  default_branch: string;
  repository: { kind: "hosted"; url: string; has_commits: boolean };
  instances: number;
  created_at: string;
};

export type Commit = { id: string; subject: string; author_name: string; author_email: string; at: string };

export type Branch = Able & {
  name: string;
  is_default: boolean;
  commit: Commit;
  ahead: number;
  behind: number;
  instances: { id: string; slug: string; name: string; stage: Stage; status: InstanceStatus }[];
};

export type Server = Able & {
  id: string;
  slug: string;
  name: string;
  is_local: boolean;
  status: "ready" | "away";
  machine: {
    version: string;
    processors: number;
    processor_used: number;
    memory: number;
    memory_used: number;
    disk: number;
    disk_used: number;
    uptime_seconds: number;
    no_sandbox: string | null;
    no_outgoing: string | null;
    limits_by: string;
  } | null;
  instances: number;
  created_at: string;
};

export type Deployment = {
  id: string;
  number: number;
  commit: string;
  branch: string;
  cause: string;
  started_by: { name: string } | null;
  status: string;
  step: string;
  reason: string | null;
  quote: string | null;
  job: string;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  release: string | null;
  is_current: boolean;
};

export type LogLine = { position: string; at: string; stream: string; level?: string; text: string };

export type StoaEvent = { type: string; resource?: { kind: string; id: string }; at: string };
