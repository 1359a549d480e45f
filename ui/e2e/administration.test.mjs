// Workspaces as their members list them, and the installation as its administrators see it: in both themes, by keyboard,
// and closed to everybody else.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failing, findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { ask, joinAs, PASSWORD, setUp } from "./team.mjs";

let stoa, browser, admin, otto, tess;

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  admin = await person(browser, stoa.origin);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

/** Somebody who joined a workspace by a copied link. */
async function joined(workspace, name, email) {
  const { status, body } = await ask(admin.page, "POST", `/workspaces/${workspace}/invitations`, { email });
  assert.equal(status, 201);
  const somebody = await person(browser, stoa.origin);
  await somebody.page.goto(body.link);
  await joinAs(somebody.page, name, workspace);
  return somebody;
}

test("a world with two owners, a member and nine workspaces", async () => {
  const { page } = admin;
  await setUp(page, stoa.setupLink);
  for (const name of ["Acme Studio", "Böcklin", "Casa", "Delta", "Echo", "Fjord", "Gamma", "Hotel", "Indigo"])
    assert.equal((await ask(page, "POST", "/workspaces", { name })).status, 201);
  otto = await joined("acme-studio", "Otto Brandt", "otto@example.com");
  tess = await joined("acme-studio", "Tess Ferreira", "tess@example.com");
  assert.equal((await ask(otto.page, "POST", "/workspaces", { name: "Nordlys" })).status, 201);
});

test("all of mine are listed, found by name, and lead to what an owner sets", async () => {
  const { page } = admin;
  await page.goto("/acme-studio/settings/workspaces");
  await page.getByText("Open now").waitFor();
  await look(page, "workspaces", { ready: "text=/indigo" });
  await page.getByRole("main").getByLabel("Find a workspace").fill("fjo");
  await page.getByText("/fjord").waitFor();
  assert.equal(await page.getByText("/gamma").count(), 0);
  await page.getByRole("button", { name: "More about Fjord" }).click();
  for (const word of ["General", "Members", "Appearance", "AI", "Leave", "Delete"])
    await page.getByRole("menuitem", { name: word, exact: true }).waitFor();
  await look(page, "workspace-menu", { ready: "role=menu", wideOnly: true });
  await page.getByRole("menuitem", { name: "Members" }).click();
  await page.waitForURL(/\/fjord\/members$/);
});

test("the switcher finds by typing, is worked by the keyboard, and keeps the list that is open", async () => {
  const { page } = admin;
  await page.getByRole("row", { name: /Anna Lindqvist/ }).waitFor();
  await page.getByRole("button", { name: /change the workspace/ }).focus();
  await page.keyboard.press("Enter");
  const field = page.getByRole("combobox", { name: "Find a workspace" });
  await field.waitFor();
  await until("the field to have the focus", () => field.evaluate((one) => one === document.activeElement));
  await look(page, "switcher-many", { ready: "role=listbox", wideOnly: true });
  await page.keyboard.type("e");
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  await page.keyboard.type("cho");
  await page.getByRole("option", { name: "Echo" }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/echo\/members$/);
  await page.getByRole("row", { name: /Anna Lindqvist/ }).waitFor();
  await page.getByRole("button", { name: /change the workspace/ }).click();
  await field.waitFor();
  await page.keyboard.press("Escape");
  await field.waitFor({ state: "detached" });
});

test("an old address leads on to the new one, for members alone", async () => {
  const { page } = admin;
  assert.equal((await ask(page, "PATCH", "/workspaces/casa", { slug: "casa-nova" })).status, 200);
  await page.goto("/casa/members?x=1");
  await page.waitForURL(/\/casa-nova\/members/);
  assert.equal((await ask(otto.page, "POST", "/workspaces", { name: "Casa", slug: "casa" })).body.code, "slug_taken");
  await otto.page.goto("/casa/members");
  await otto.page.getByText("There is nothing here").waitFor();
});

test("a workspace with instances isn't deleted, and the page lists them", async () => {
  const { page } = admin;
  const made = await ask(page, "POST", "/workspaces/delta/projects", { name: "Shop", repository: { kind: "hosted" } });
  assert.equal(made.status, 201);
  assert.equal((await ask(page, "POST", "/session/confirm", { password: PASSWORD })).status, 204);
  const { token } = (await ask(page, "POST", "/me/tokens", { name: "push" })).body;
  const own = await repository("guestbook");
  await own.git("push", "--quiet", `http://anna:${token}@localhost:${stoa.port}/git/delta/shop.git`, "main");
  await own.remove();
  const server = await ask(page, "POST", "/workspaces/delta/servers", { name: "local", local: true });
  assert.equal(server.status, 201);
  const instance = await ask(page, "POST", "/workspaces/delta/instances", {
    name: "Shop staging",
    project: made.body.id,
    server: server.body.id,
    stage: "staging",
    branch: "main",
  });
  assert.equal(instance.status, 202);
  await page.goto("/delta/settings/danger");
  await page.getByText("This instance has to go first").waitFor();
  await page.getByRole("link", { name: "Shop staging" }).waitFor();
  await look(page, "danger-with-instances", { ready: "text=This instance has to go first" });
  const refused = await ask(page, "DELETE", "/workspaces/delta", { confirm: "delta" });
  assert.equal(refused.status, 409);
  assert.deepEqual(refused.body.instances, [{ slug: "shop-staging", name: "Shop staging" }]);
});

test("a member leaves from the list", async () => {
  const { page } = tess;
  await page.goto("/workspaces");
  await page.getByRole("button", { name: "More about Acme Studio" }).click();
  await page.getByRole("menuitem", { name: "Leave" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await page.getByText("You are in no workspace yet").waitFor();
});

test("administrators see every workspace from outside, and nothing within", async () => {
  const { page } = admin;
  await page.goto("/acme-studio");
  await page.getByRole("button", { name: /my account/ }).click();
  await page.getByRole("menuitem", { name: "Administration" }).click();
  await page.getByRole("row", { name: /Nordlys/ }).waitFor();
  await look(page, "administration-workspaces", { ready: "text=Nordlys" });
  for (const width of [1024, 1023, 768]) {
    await page.setViewportSize({ width, height: 900 });
    await until(`all columns are in sight at ${width}`, () =>
      page
        .getByRole("table", { name: "Workspaces" })
        .evaluate(({ parentElement: all }) => all.scrollWidth <= all.clientWidth + 1),
    );
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto("/nordlys");
  await page.getByText("There is nothing here").waitFor();
});

test("disabling the last owner warns, is confirmed by typing, and ends what they have open", async () => {
  const { page } = admin;
  await otto.page.goto("/nordlys/members");
  await otto.page.getByRole("row", { name: /Otto/ }).waitFor();
  await page.goto("/administration/accounts");
  await page.getByLabel("Find an account").fill("otto");
  await page.getByRole("row", { name: /Otto Brandt/ }).waitFor();
  await look(page, "administration-accounts", { ready: "text=Otto Brandt" });
  await page.getByRole("button", { name: "Disable Otto Brandt" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("They are the last active owner of").waitFor();
  await look(page, "administration-disable", { ready: "text=They are the last active owner of" });
  assert.equal(await dialog.getByRole("button", { name: "Disable the account" }).isDisabled(), true);
  await dialog.getByRole("textbox").fill("otto@example.com");
  await dialog.getByRole("button", { name: "Disable the account" }).click();
  await page
    .getByRole("row", { name: /Otto Brandt/ })
    .getByText("Disabled")
    .waitFor();
  await otto.page.getByRole("button", { name: "Sign in" }).waitFor();
});

test("an owner is named where none is active", async () => {
  const { page } = admin;
  await page.goto("/administration");
  await page.getByLabel("Find a workspace").last().fill("nordlys");
  const row = page.getByRole("row", { name: /Nordlys/ });
  await row.getByText("No active owner").waitFor();
  await row.getByRole("button", { name: "Name an owner" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Account" }).fill("tess");
  await page.getByRole("option", { name: /Tess Ferreira/ }).click();
  await look(page, "administration-owner", { ready: "text=Make the owner" });
  await dialog.getByRole("button", { name: "Make the owner" }).click();
  await row.getByText("Tess Ferreira").waitFor();
  await tess.page.goto("/nordlys/members");
  await tess.page
    .getByRole("row", { name: /Tess Ferreira/ })
    .getByText("Owner")
    .waitFor();
});

test("the state tells of mail, storage and what to set right", async () => {
  const { page } = admin;
  await page.goto("/administration/state");
  await page.getByText("SQLite").waitFor();
  await page.getByText(/lies beside what it seals/).waitFor();
  await page.getByText("Everyone with an account").waitFor();
  await look(page, "administration-state", { ready: "text=SQLite" });
});

test("whoever administers nothing is refused, and offered no way there", async () => {
  const { page } = tess;
  await page.goto("/nordlys");
  await page.getByRole("button", { name: /my account/ }).click();
  await page.getByRole("menuitem", { name: "My workspaces" }).waitFor();
  assert.equal(await page.getByRole("menuitem", { name: "Administration" }).count(), 0);
  for (const tab of ["", "/accounts", "/state"]) {
    await page.goto(`/administration${tab}`);
    await page.getByText("You may not open this").waitFor();
  }
  await look(page, "administration-refused", { ready: "text=You may not open this" });
  await page.getByRole("button", { name: "Why?" }).click();
  const why = page.getByRole("dialog", { name: "Why may I not open these pages?" });
  await why.getByText(/and tess@example\.com isn't one of them/).waitFor();
  await why.getByText("stoa admin make-administrator tess@example.com").waitFor();
  await look(page, "administration-why", { ready: "text=Not an administrator." });
  await page.keyboard.press("Escape");
  await why.waitFor({ state: "detached" });
});

test("a workspace that is deleted is left, and nothing of it is asked for any more", async () => {
  const { page, asked } = admin;
  // Without the stream, whose end has everything asked anew: what is asked here is the page's own doing.
  const followed = await failing(page, "**/events*");
  await page.goto("/indigo/settings/danger");
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("textbox").fill("indigo");
  const already = asked.length;
  await page.getByRole("dialog").getByRole("button", { name: "Delete the workspace" }).click();
  await page.getByRole("heading", { name: "Workspaces", exact: true }).waitFor();
  await page.getByText("/indigo").waitFor({ state: "detached" });
  const its = asked.slice(already).filter((path) => path.startsWith("/api/v1/workspaces/indigo"));
  assert.deepEqual(
    its.filter((path) => !path.endsWith("/events")),
    ["/api/v1/workspaces/indigo"],
  );
  await followed();
});

test("where administrators alone create workspaces the page says so", async () => {
  stoa.environment.STOA_WORKSPACE_CREATION = "administrators";
  await stoa.end();
  await stoa.again();
  const { page } = tess;
  await page.goto("/workspaces");
  await page.getByText("Only administrators of this installation create workspaces.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Create Workspace" }).count(), 0);
  await look(page, "workspaces-closed", { ready: "text=Only administrators" });
  await page.getByRole("button", { name: "Why?" }).click();
  await page.getByRole("dialog", { name: "Why may I not create workspaces?" }).waitFor();
  await admin.page.goto("/workspaces");
  await admin.page.getByRole("button", { name: "Create Workspace" }).waitFor();
});

test("nothing was logged as an error, and axe found nothing", () => {
  for (const one of [admin, otto, tess]) assert.deepEqual(one.wrong, []);
  assert.deepEqual(findings, []);
});
