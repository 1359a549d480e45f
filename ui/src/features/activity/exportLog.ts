// The audit log as lines of JSON, kept as a file.

import { ask } from "@/api/client";
import { getListAuditUrl, type ListAuditParams } from "@/api/generated";

export async function exportLog(workspace: string, query: ListAuditParams): Promise<void> {
  const answer = await ask(getListAuditUrl(workspace, query), { headers: { Accept: "application/x-ndjson" } });
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = `${workspace}-audit-${new Date().toISOString().slice(0, 10)}.ndjson`;
  link.click();
  // The browser has begun to keep it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
