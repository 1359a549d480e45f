import { Link, useLocation } from "@tanstack/react-router";
import { useEffect, useReducer } from "react";
import type { MyWorkspace } from "@/api/nouns";
import { queryClient } from "@/api/queries";
import { WorkspaceLogo } from "@/kit/Avatar";
import css from "./frame.module.css";

const WORDS: Record<string, string> = {
  start: "First start",
  environment: "Variables",
  "sign-in": "Sign-in",
  ai: "AI",
  ide: "IDE",
  danger: "Danger zone",
  tokens: "Access tokens",
};
// Called as they are written in an address, but for their first letter.
for (const word of "projects instances servers members activity settings backups deployments logs general appearance profile security sessions workspaces account accounts administration state commits".split(
  " ",
))
  WORDS[word] = word.charAt(0).toUpperCase() + word.slice(1);

/** The name of an object whose page was loaded already, else its slug. */
function nameOf(workspace: string, noun: string, slug: string): string {
  const found = queryClient.getQueryData<{ name?: string }>([workspace, noun, "object", `/${noun}/${slug}`]);
  return found?.name ?? decodeURIComponent(slug);
}

/** "Deployment #2" where its page was loaded already; its id says nothing to anybody. */
function deploymentOf(workspace: string, id: string): string {
  const loaded = queryClient.getQueriesData<{ id?: string; number?: number }>({
    queryKey: [workspace, "deployments", "object"],
  });
  const number = loaded.find(([, one]) => one?.id === id)?.[1]?.number;
  return number === undefined ? "Deployment" : `Deployment #${number}`;
}

/** Draws again when an object arrives: its name takes the place of its slug. */
function useArrivals(): void {
  const [, draw] = useReducer((count: number) => count + 1, 0);
  useEffect(
    () =>
      queryClient.getQueryCache().subscribe((told) => {
        if (told.type === "updated" && told.action.type === "success" && told.query.queryKey[2] === "object") draw();
      }),
    [],
  );
}

export function Breadcrumbs({ workspace }: { workspace: Pick<MyWorkspace, "name" | "logo_url"> | null }) {
  useArrivals();
  const { pathname } = useLocation();
  const parts = pathname.split("/").filter(Boolean);
  const first = workspace ? 1 : 0;
  const own = parts.slice(first);
  const base = workspace ? `/${parts[0]}` : "";
  const wordOf = (own: string[], at: number) => {
    const [part = "", before = ""] = [own[at], own[at - 1]];
    if (at % 2 === 1 && ["projects", "instances", "servers"].includes(before))
      return nameOf(parts[0] ?? "", before, part);
    if (at === 3 && before === "deployments") return deploymentOf(parts[0] ?? "", part);
    return WORDS[part] ?? decodeURIComponent(part);
  };
  const crumbs = own.map((_, at) => ({
    to: `${base}/${own.slice(0, at + 1).join("/")}`,
    word: wordOf(own, at),
  }));
  if (workspace && crumbs.length === 0) crumbs.push({ to: base, word: "Overview" });
  const shown = workspace ? [{ to: base, word: workspace.name }, ...crumbs] : crumbs;
  // On a phone there is room for one: the thing that is open, not the tab of it.
  const isThing = ["projects", "instances", "servers"].includes(own[0] ?? "") && own.length > 1;
  const main = isThing ? first + 1 : shown.length - 1;
  return (
    <nav className={css.crumbs} aria-label="Breadcrumbs">
      {workspace && <WorkspaceLogo name={workspace.name} url={workspace.logo_url} size={26} />}
      <ol>
        {shown.map(({ to, word }, at) => (
          <li key={to + word} data-main={at === main || undefined}>
            {at === shown.length - 1 ? (
              <span aria-current="page" title={word}>
                {word}
              </span>
            ) : (
              <Link to={to} title={word}>
                {word}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
