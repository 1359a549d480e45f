// Every address of the page. Here pages get their place, and are loaded when they are first opened, each by
// itself: a feature's index.ts would bring its other pages along.

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent as lazy,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { OfView } from "@/frame/InView";
import { RouteError } from "@/frame/RouteError";
import { SignedIn } from "@/frame/SignedIn";
import { WorkspaceFrame } from "@/frame/WorkspaceFrame";
import { LoadingPage, NotFound } from "@/kit";
import { Notices } from "@/kit/Notices";

const root = createRootRoute({
  component: () => (
    <>
      <Notices />
      <OfView>
        <Outlet />
      </OfView>
    </>
  ),
  // Outside of every frame.
  notFoundComponent: () => (
    <main>
      <NotFound />
    </main>
  ),
  errorComponent: (told) => (
    <main>
      <RouteError {...told} />
    </main>
  ),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazy(() => import("@/features/session/SetupPage"), "SetupPage"),
});
const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: lazy(() => import("@/features/session/SignIn"), "LoginPage"),
});
const forgot = createRoute({
  getParentRoute: () => root,
  path: "/login/forgot",
  component: lazy(() => import("@/features/session/ForgotPage"), "ForgotPage"),
});
const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset/{-$token}",
  component: lazy(() => import("@/features/session/ResetPage"), "ResetPage"),
});
const provider = createRoute({
  getParentRoute: () => root,
  path: "/oidc/callback",
  component: lazy(() => import("@/features/session/ProviderPage"), "ProviderPage"),
});
const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitations/$token",
  component: lazy(() => import("@/features/session/InvitationPage"), "InvitationPage"),
});
// Where the page goes on after it has taken the link's token out of the address.
const invited = createRoute({
  getParentRoute: () => root,
  path: "/join",
  component: lazy(() => import("@/features/session/InvitationPage"), "InvitationPage"),
});

const signedIn = createRoute({ getParentRoute: () => root, id: "signed-in", component: SignedIn });

const workspaces = () => import("@/features/workspaces/MyWorkspaces");
const home = createRoute({ getParentRoute: () => signedIn, path: "/", component: lazy(workspaces, "HomePage") });
const mine = createRoute({
  getParentRoute: () => signedIn,
  path: "/workspaces",
  component: lazy(workspaces, "MyWorkspacesPage"),
});
const account = createRoute({
  getParentRoute: () => signedIn,
  path: "/account/{-$page}",
  component: lazy(() => import("@/features/settings/SettingsPages"), "AccountSettingsPage"),
});

// Beside what asks for an account: its secret leaves the address first, and signing in comes after.
const emailLink = createRoute({
  getParentRoute: () => root,
  path: "/account/email/{-$token}",
  component: lazy(() => import("@/features/settings/EmailLinkPage"), "EmailLinkPage"),
});
const administration = createRoute({
  getParentRoute: () => signedIn,
  path: "/administration/{-$page}",
  component: lazy(() => import("@/features/administration/AdministrationPage"), "AdministrationPage"),
});

const workspace = createRoute({ getParentRoute: () => signedIn, path: "/$workspace", component: WorkspaceFrame });
const inside = () => workspace;
/** For pages that are shown to an owner who views as a member; without it, a route is closed to them. */
const shown = { staticData: { isShownInView: true } };

const overview = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/",
  component: lazy(() => import("@/features/overview/OverviewPage"), "OverviewPage"),
});
const overviewByName = createRoute({
  getParentRoute: inside,
  path: "/overview",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/$workspace", params, replace: true });
  },
});
const start = createRoute({
  getParentRoute: inside,
  path: "/start",
  component: lazy(() => import("@/features/firstStart/FirstStartPage"), "FirstStartPage"),
});

const projects = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/projects",
  component: lazy(() => import("@/features/projects/ProjectsPage"), "ProjectsPage"),
});
const project = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/projects/$project/{-$tab}",
  component: lazy(() => import("@/features/projects/ProjectPage"), "ProjectPage"),
});

const instances = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/instances",
  component: lazy(() => import("@/features/instances/InstancesPage"), "InstancesPage"),
});
const instance = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/instances/$instance/{-$tab}",
  component: lazy(() => import("@/features/instances/InstancePage"), "InstancePage"),
});
const deployment = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/instances/$instance/deployments/$deployment",
  component: lazy(() => import("@/features/instances/InstancePage"), "InstancePage"),
});

const servers = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/servers",
  component: lazy(() => import("@/features/servers/ServersPage"), "ServersPage"),
});
const server = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/servers/$server",
  component: lazy(() => import("@/features/servers/ServerPage"), "ServerPage"),
});

const members = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/members",
  component: lazy(() => import("@/features/members/MembersPage"), "MembersPage"),
});
const activity = createRoute({
  getParentRoute: inside,
  path: "/activity",
  component: lazy(() => import("@/features/activity/ActivityPage"), "ActivityPage"),
});
const settings = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "/settings/{-$page}",
  component: lazy(() => import("@/features/settings/SettingsPages"), "WorkspaceSettingsPage"),
});
// Every other address within a workspace: whoever isn't signed in signs in first, whether there is such a workspace or not.
const nowhere = createRoute({
  getParentRoute: inside,
  ...shown,
  path: "$",
  component: lazy(() => import("@/frame/Nowhere"), "Nowhere"),
});

const tree = root.addChildren([
  setup,
  login,
  forgot,
  reset,
  provider,
  invitation,
  invited,
  signedIn.addChildren([
    home,
    mine,
    account,
    emailLink,
    administration,
    workspace.addChildren([
      overview,
      overviewByName,
      start,
      projects,
      project,
      instances,
      instance,
      deployment,
      servers,
      server,
      members,
      activity,
      settings,
      nowhere,
    ]),
  ]),
]);

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  defaultPendingMs: 150,
  // What is shown meanwhile appears late by itself: nothing that is there waits for it to have been seen.
  defaultPendingMinMs: 0,
  defaultPendingComponent: LoadingPage,
  defaultErrorComponent: RouteError,
  defaultNotFoundComponent: () => <NotFound />,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
