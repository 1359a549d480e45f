import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, useLocation, useNavigate, useParams } from "@tanstack/react-router";
import { type ComponentType, useEffect, useLayoutEffect } from "react";
import type { Workspace } from "@/api/nouns";
import { workspaceOptions } from "@/api/queries";
import { viewing } from "@/api/viewing";
import { Shell } from "@/frame/Shell";
import { useLast } from "@/frame/useLast";
import { useWorkspace } from "@/frame/useWorkspace";
import { ClosedInView, Forbidden, LoadingPage, later, NotFound, useCurrentInSight } from "@/kit";
import { dress } from "@/theme/look";
import { OF_ACCOUNT, OF_WORKSPACE, type Place } from "./places";
import css from "./settings.module.css";

const page = <P extends object>(load: () => Promise<ComponentType<P>>) => later(load, <LoadingPage />);
const ActivityPage = page(async () => (await import("@/features/activity/ActivityPage")).ActivityPage);
const AppearancePage = page(async () => (await import("@/features/appearance/AppearancePage")).AppearancePage);
const AiPage = page(async () => (await import("@/features/ai/AiPage")).AiPage);
const DangerZone = page(async () => (await import("./DangerZone")).DangerZone);
const General = page(async () => (await import("./General")).General);
const MembersPage = page(async () => (await import("@/features/members/MembersPage")).MembersPage);
const MyWorkspaces = page(async () => (await import("@/features/workspaces/MyWorkspaces")).MyWorkspaces);
const Profile = page(async () => (await import("./Profile")).Profile);
const Security = page(async () => (await import("./Security")).Security);
const Sessions = page(async () => (await import("./Sessions")).Sessions);
const SignInRules = page(async () => (await import("./SignInRules")).SignInRules);
const StoragePage = page(async () => (await import("@/features/backups/StoragePage")).StoragePage);
const Tokens = page(async () => (await import("./Tokens")).Tokens);

function Settings({ workspace, page }: { workspace: Workspace | null; page: string }) {
  const base = workspace ? `/${workspace.slug}/settings` : "/account";
  const isOwner = workspace?.may.includes("manage") ?? false;
  const strip = useCurrentInSight(page);
  const links = (places: Place[]) =>
    places.map(({ key, word, Icon }) => (
      <Link key={key} to={`${base}/${key}` as string} aria-current={key === page ? "page" : undefined}>
        <Icon size={16} stroke={1.75} />
        {word}
      </Link>
    ));
  return (
    <div className={css.layout}>
      <nav ref={strip} className={css.nav} aria-label="Settings">
        {workspace && isOwner && (
          <>
            <h2>{workspace.name}</h2>
            {links(OF_WORKSPACE)}
          </>
        )}
        <h2>Account</h2>
        {links(OF_ACCOUNT)}
      </nav>
      <div className={css.page}>
        <Chosen page={page} workspace={isOwner ? workspace : null} open={workspace?.slug} />
      </div>
    </div>
  );
}

function Chosen({ page, workspace, open }: { page: string; workspace: Workspace | null; open: string | undefined }) {
  if (page === "members" && open) return <MembersPage />;
  if (workspace) {
    if (page === "general") return <General />;
    if (page === "appearance") return <AppearancePage />;
    if (page === "sign-in") return <SignInRules />;
    if (page === "ai") return <AiPage />;
    if (page === "backups") return <StoragePage />;
    if (page === "activity") return <ActivityPage />;
    if (page === "danger") return <DangerZone />;
  }
  if (OF_WORKSPACE.some(({ key }) => key === page) && open)
    return (
      <Forbidden back={{ name: "my profile", to: `/${open}/settings/profile` }}>
        Only owners see and change the settings of the workspace. Ask one of them.
      </Forbidden>
    );
  // One's own account isn't the member's, and theirs is nobody else's to see.
  if (viewing()) return <ClosedInView />;
  if (page === "profile") return <Profile />;
  if (page === "security") return <Security />;
  if (page === "sessions") return <Sessions />;
  if (page === "tokens") return <Tokens />;
  if (page === "workspaces") return <MyWorkspaces {...(open && { open })} />;
  return <NotFound home={open} />;
}

export function WorkspaceSettingsPage() {
  const workspace = useWorkspace();
  const { page } = useParams({ strict: false }) as { page?: string };
  if (!page) {
    const first = workspace.may.includes("manage") ? "general" : "profile";
    return <Navigate to="/$workspace/settings/{-$page}" params={{ workspace: workspace.slug, page: first }} replace />;
  }
  return <Settings workspace={workspace} page={page} />;
}

/**
 * The account's own pages, at an address that names no workspace. Within the one that was open last, they stand in its
 * frame, as when one comes upon them from inside; whoever it doesn't let in, for want of a second factor perhaps, has
 * them without.
 */
export function AccountSettingsPage() {
  const { page = "profile" } = useParams({ strict: false }) as { page?: string };
  const { searchStr, hash } = useLocation();
  const navigate = useNavigate();
  const last = useLast();
  const asked = useQuery({ ...workspaceOptions(last?.slug ?? ""), enabled: last !== undefined });
  const look = last && !asked.error ? last : null;
  useLayoutEffect(() => dress(look), [look]);
  const within = look && asked.data ? `/${look.slug}/settings/${page}${searchStr}${hash && `#${hash}`}` : null;
  useEffect(() => {
    if (within) void navigate({ href: within, replace: true });
  }, [within, navigate]);
  if (look)
    return (
      <Shell workspace={null} soon={look} isLoading>
        <LoadingPage />
      </Shell>
    );
  return (
    <Shell workspace={null}>
      <Settings workspace={null} page={page} />
    </Shell>
  );
}
