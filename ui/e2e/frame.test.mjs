// What stands around the pages and keeps itself as it is: the frame at an address of the account, what workspaces hold,
// refusals as they come, and members whose account is disabled.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { startStoa, until } from "./stoa.mjs";
import { ask, done, joined, setUp } from "./team.mjs";

let stoa, browser, owner, otto;

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  for (const name of ["Acme", "Umbra"]) await done(owner.page, "POST", "/workspaces", { name }, 201);
  await done(owner.page, "POST", "/workspaces/acme/projects", { name: "Shop" }, 201);
  otto = await joined(browser, stoa, owner, "Otto Brandt", "otto@example.com");
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

test("each of one's workspaces says what it holds, as far as one may see it", async () => {
  const { page } = owner;
  await page.goto("/acme/settings/workspaces");
  await page.getByText("2 members", { exact: true }).waitFor();
  await page.getByText("1 project, 0 instances", { exact: true }).waitFor();
  await page.getByText("1 member", { exact: true }).waitFor();
  await page.getByText("0 projects, 0 instances", { exact: true }).waitFor();
  await look(page, "workspaces-counted", { ready: "text=1 project, 0 instances" });
  await otto.page.goto("/acme/settings/workspaces");
  await otto.page.getByText("2 members", { exact: true }).waitFor();
  await otto.page.getByText("0 instances", { exact: true }).waitFor();
});

test("an address of the account has the frame of the workspace that was open last", async () => {
  const { page } = owner;
  await page.goto("/umbra");
  await page.getByRole("heading", { name: "Welcome to Umbra" }).waitFor();
  for (const [name, heading] of [
    ["security", "Security"],
    ["profile", "Profile"],
    ["tokens", "Access tokens"],
  ]) {
    await page.goto(`/account/${name}?from=a-mail`);
    await page.waitForURL(`${stoa.origin}/umbra/settings/${name}?from=a-mail`);
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Members" }).waitFor();
    await page.getByRole("navigation", { name: "Settings" }).getByRole("link", { name: "Appearance" }).waitFor();
  }
  // Whoever was in none yet has them all the same.
  await page.goto("/workspaces");
  await page.evaluate(() => localStorage.removeItem("stoa-last-workspace"));
  await page.goto("/account/profile");
  await page.getByRole("heading", { name: "Profile", level: 1 }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/account/profile");
});

test("what is opened in the frame while a workspace is asked for stays open once it is there", async () => {
  const { page } = owner;
  let go;
  const held = new Promise((resolve) => {
    go = resolve;
  });
  await page.route("**/api/v1/workspaces/acme", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto("/acme/members");
  await page.getByRole("button", { name: /my account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
  go();
  await page.getByText("Otto Brandt").waitFor();
  await page.getByRole("menuitem", { name: "My workspaces" }).click();
  await page.waitForURL(`${stoa.origin}/acme/settings/workspaces`);
  await page.unroute("**/api/v1/workspaces/acme");
});

test("what is refused stands in an open log at once, for owners and for whom it was refused", async () => {
  await owner.page.goto("/acme/activity");
  await otto.page.goto("/acme/activity");
  const refusals = ({ page }) =>
    page
      .getByRole("list", { name: /^Events/ })
      .getByRole("listitem")
      .filter({ hasText: "Refused" });
  const before = new Map();
  for (const one of [owner, otto]) {
    await one.page
      .getByRole("list", { name: /^Events/ })
      .getByRole("listitem")
      .first()
      .waitFor();
    before.set(one, await refusals(one).count());
  }
  const refused = await ask(otto.page, "POST", "/workspaces/acme/presets", { name: "Mine", actions: [] });
  assert.equal(refused.status, 403);
  for (const one of [owner, otto])
    await until("it stands in the log", async () => (await refusals(one).count()) === before.get(one) + 1);
});

test("a member whose account was disabled is marked, while the list is open", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  const row = page.getByRole("row", { name: /Otto Brandt/ });
  await row.waitFor();
  assert.equal(await row.getByText("Disabled", { exact: true }).count(), 0);
  const { items } = await done(page, "GET", "/administration/accounts?q=otto");
  await done(page, "PATCH", `/administration/accounts/${items[0].id}`, { status: "disabled" }, 200);
  await row.getByText("Disabled", { exact: true }).waitFor();
  await look(page, "members-disabled", { ready: "text=Disabled" });
  await done(page, "PATCH", `/administration/accounts/${items[0].id}`, { status: "active" }, 200);
  await row.getByText("Disabled", { exact: true }).waitFor({ state: "detached" });
});

test("nothing was wrong on the way", () => {
  assert.deepEqual(findings, []);
  for (const one of [owner, otto]) assert.deepEqual(one.wrong, []);
});
