// What is deleted isn't asked for once more, by whoever deleted it or by whoever looks on: it would stand in the owners'
// log as if somebody had tried. It is told to be gone instead.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { person, startBrowser } from "./browser.mjs";
import { repository, startStoa } from "./stoa.mjs";
import { deployed, done, joined, setUp, workshop } from "./team.mjs";

const API = "/workspaces/acme";
const SHOP = "/acme/instances/shop";
let stoa, browser, repo, owner, mia, place, shop;
/** What whoever deletes was refused. */
const refused = [];

const dialog = () => owner.page.getByRole("dialog");
const gone = (page) => page.getByRole("heading", { name: "There is nothing here" }).waitFor({ timeout: 60_000 });
const refusals = async () =>
  (await done(owner.page, "GET", `${API}/audit?outcome=refused&limit=200`)).items.map(
    ({ actor_name, sentence }) => `${actor_name} ${sentence}`,
  );

/** Another page of somebody's, which shows all of it that it does. */
async function onlooker({ context }, path, shown) {
  const page = await context.newPage();
  await page.goto(path);
  await page.getByRole("main").getByText(shown).first().waitFor();
  return page;
}

/** Something else happens, which whoever still shows what is gone would ask anew about; by then they have. */
async function goesOn() {
  const { name } = await done(owner.page, "GET", `${API}/projects/other`);
  await done(owner.page, "PATCH", `${API}/projects/other`, { name: `${name} again` });
  await owner.page.waitForTimeout(1000);
}

before(async () => {
  [stoa, browser, repo] = [await startStoa(), await startBrowser(), await repository("guestbook")];
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  place = await workshop(owner.page);
  await done(owner.page, "POST", `${API}/projects`, { name: "Other" }, 201);
  await repo.git("push", "--quiet", place.remote, "main");
  shop = await deployed(owner.page, place, { name: "shop", stage: "staging" });
  mia = await joined(browser, stoa, owner, "Mia Onlooker", "mia@example.com", {
    actions: ["view_projects", "view_logs", "manage_settings", "manage_backups"],
    projects: [place.project.id],
    instances: [shop.id],
    servers: [place.server.id],
  });
  owner.page.on("response", (answer) => answer.status() >= 400 && refused.push(`${answer.status()} ${answer.url()}`));
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("an instance", async () => {
  const others = [
    await onlooker(owner, `${SHOP}/settings`, "No variables."),
    await onlooker(mia, SHOP, "Last deployments"),
  ];
  const { page } = owner;
  await page.goto(SHOP);
  await page.getByRole("button", { name: "More about shop" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  await dialog().getByLabel("Make a last backup first").uncheck();
  await dialog().getByLabel("Type shop to confirm").fill("shop");
  await dialog().getByRole("button", { name: "Delete for good" }).click();
  await page.waitForURL(/\/acme\/instances$/);
  for (const other of others) await gone(other);
  // What was on its way in the moment when it went is refused, and nothing else.
  const before = await refusals();
  await goesOn();
  assert.deepEqual(await refusals(), before);
  assert.deepEqual(refused, []);
  for (const other of others) await other.close();
});

test("a project", async () => {
  const already = await refusals();
  const others = [
    await onlooker(owner, "/acme/projects/shop/commits", "First entry"),
    await onlooker(mia, "/acme/projects/shop", "Development"),
  ];
  const { page } = owner;
  await page.goto("/acme/projects/shop");
  await page.getByRole("main").getByRole("link", { name: "Settings" }).click();
  await page.getByRole("button", { name: "Delete project" }).click();
  await dialog().getByLabel("Type Shop to confirm").fill("Shop");
  await dialog().getByRole("button", { name: "Delete for good" }).click();
  await page.waitForURL(/\/acme\/projects$/);
  for (const other of others) await gone(other);
  await goesOn();
  assert.deepEqual(await refusals(), already);
  assert.deepEqual(refused, []);
  for (const other of others) await other.close();
});

test("a server", async () => {
  const already = await refusals();
  const others = [
    await onlooker(owner, "/acme/servers/local", "Nothing runs here"),
    await onlooker(mia, "/acme/servers/local", "Nothing runs here"),
  ];
  const { page } = owner;
  await page.goto("/acme/servers");
  await page.getByRole("main").getByRole("link", { name: "local" }).first().click();
  await page.getByRole("button", { name: "Remove" }).click();
  await dialog().getByRole("button", { name: "Remove", exact: true }).click();
  await page.waitForURL(/\/acme\/servers$/);
  for (const other of others) await gone(other);
  await goesOn();
  assert.deepEqual(await refusals(), already);
  assert.deepEqual(refused, []);
  for (const other of others) await other.close();
});

test("a member, whose permissions are being set", async () => {
  const already = await refusals();
  const other = await onlooker(owner, "/acme/members", "Mia Onlooker");
  await other.getByRole("button", { name: "Permissions of Mia Onlooker" }).click();
  await other.getByRole("dialog").getByText("Merge branches", { exact: true }).first().waitFor();
  await done(owner.page, "DELETE", `${API}/members/${mia.id}`);
  await other.getByRole("dialog").getByText("Mia Onlooker isn't a member of Acme any more.").waitFor();
  await goesOn();
  assert.deepEqual(await refusals(), already);
});

test("nothing was logged as an error", () => {
  for (const { wrong } of [owner, mia]) assert.deepEqual(wrong, []);
});
