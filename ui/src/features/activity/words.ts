// What an audit event says in a sentence: "J. Lindqvist invited a@b.example".

import type { AuditEvent } from "@/api/nouns";

const DID: Record<string, string> = {
  "workspace.create": "created the workspace",
  "workspace.change": "changed the workspace",
  "workspace.delete": "deleted the workspace",
  "workspace.read_audit": "read the audit log",
  "invitation.create": "invited",
  "invitation.resend": "sent the invitation again to",
  "invitation.revoke": "revoked the invitation of",
  "invitation.accept": "accepted an invitation",
  "member.change_role": "changed the role of",
  "member.remove": "removed",
  "member.set_permissions": "set the permissions of",
  "member.explain": "asked why about",
  "project.create": "created the project",
  "project.change": "changed the project",
  "project.delete": "deleted the project",
  "project.push": "pushed to",
  "project.fetch": "fetched",
  "server.create": "added the server",
  "server.change": "changed the server",
  "server.delete": "removed the server",
  "instance.create": "created the instance",
  "instance.change": "changed the instance",
  "instance.change_environment": "changed the variables of",
  "instance.view_environment": "opened the variables of",
  "instance.deploy": "deployed",
  "instance.restart": "restarted",
  "instance.start": "started",
  "instance.stop": "stopped",
  "instance.delete": "deleted the instance",
  "instance.cancel_deployment": "cancelled a deployment of",
  "instance.read_logs": "read the logs of",
  "instance.visit": "opened",
  "ai.change": "set AI to the model",
  "ai.remove": "turned AI off, which had the model",
  "ai.test": "tested the AI provider",
  "ai.explain": "had a log explained of",
  "job.cancel": "cancelled work on",
  "session.sign_in": "signed in",
  "session.sign_out": "signed out",
  "session.end": "ended a session",
  "token.create": "created a token",
  "token.delete": "deleted a token",
};

export function did(action: string): string {
  return DID[action] ?? action.replace(".", ": ").replaceAll("_", " ");
}

export function wasRefused({ outcome }: AuditEvent): boolean {
  return outcome !== "done";
}

/** What one can filter by: the acts that have words. */
export const FILTERS = Object.entries(DID).map(([value, label]) => ({ value, label }));
