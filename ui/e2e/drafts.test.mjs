// What is being edited: others' changes, failed questions and other slugs take nothing of it away unasked.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failing, findings, look } from "./browser.mjs";
import { crowd } from "./crowd.mjs";
import { until } from "./stoa.mjs";
import { ask } from "./team.mjs";

const W = "/acme";
let stoa, browser, owner, tester, tess, dialog, open, toggle;

before(async () => {
  ({ stoa, browser, owner, tester, tess, dialog, open, toggle } = await crowd());
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

test("who saves several second is told so, and nothing of theirs is asked for anew meanwhile", async () => {
  const { page, asked } = owner;
  await page.goto(`${W}/members`);
  await page.getByLabel("Find a member").fill("member-03");
  await page.getByRole("checkbox", { name: /^Choose all 10 shown/ }).click();
  await page.getByRole("button", { name: "Set permissions for 10 members" }).click();
  await dialog()
    .getByRole("button", { name: /^Preset/ })
    .click();
  await page.getByRole("menuitem", { name: /^Tester/ }).click();
  const save = dialog().getByRole("button", { name: /^Save \d+ changes?$/ });
  await save.waitFor();
  const { body: found } = await ask(page, "GET", "/workspaces/acme/members?q=member-030");
  const { id, account } = found.items[0];
  const path = `/workspaces/acme/members/${id}/permissions`;
  const { body: before } = await ask(page, "GET", path);
  const already = asked.length;
  const since = () => asked.slice(already);
  await ask(page, "PUT", path, { ...before, actions: ["use_ide"] });
  await until("the page has heard of it", () => since().includes("/api/v1/workspaces/acme/members"));
  await page
    .getByRole("row", { name: account.name, includeHidden: true })
    .getByText("Web IDE")
    .waitFor({ state: "attached" });
  assert.deepEqual(
    since().filter((one) => one.endsWith("/permissions") && !one.endsWith(path)),
    [],
  );
  await save.click();
  await dialog().getByText("Somebody changed one of these members meanwhile, and nothing was saved.").waitFor();
  assert.deepEqual((await ask(page, "GET", path)).body.actions, ["use_ide"]);
  // Where they can't be loaded the form stays as it is, and nothing can be saved.
  const readable = await failing(page, `**${path}`);
  await dialog().getByRole("button", { name: "Load them anew, and keep what is set here" }).click();
  await dialog().getByRole("button", { name: "Try again" }).waitFor();
  assert.equal(await save.isDisabled(), true);
  await readable();
  await dialog().getByRole("button", { name: "Try again" }).click();
  await save.click();
  await dialog().waitFor({ state: "detached" });
  const { body: after } = await ask(page, "GET", path);
  assert.ok(after.actions.includes("restart_instances") && !after.actions.includes("use_ide"), `${after.actions}`);
});

test("a question that fails takes nothing away that was typed", async () => {
  const { page } = owner;
  await open();
  await toggle("Merge branches");
  const save = dialog().getByRole("button", { name: "Save 1 change" });
  await save.waitFor();
  const path = `/workspaces/acme/members/${tess}/permissions`;
  const profile = await failing(page, `**/api/v1${path}`);
  const workspace = await failing(page, "**/api/v1/workspaces/acme");
  // By somebody else: both are asked anew.
  const { body } = await ask(tester.page, "GET", "/workspaces/acme");
  const other = await owner.context.newPage();
  await other.goto("/workspaces");
  await ask(other, "PATCH", "/workspaces/acme", { name: "Acme Works" });
  const { body: now } = await ask(other, "GET", path);
  await ask(other, "PUT", path, now);
  await ask(other, "PUT", path, { ...now, until: {} });
  await until("both were asked for, in vain", () => profile.asked > 0 && workspace.asked > 0);
  // What comes of it is drawn by then.
  await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
  await save.waitFor();
  await profile();
  await workspace();
  await ask(other, "PATCH", "/workspaces/acme", { name: body.name });
  await ask(other, "PUT", path, now);
  await other.close();
  await dialog().getByRole("button", { name: "Discard" }).click();
});

test("while it is being saved nothing closes the dialog", async () => {
  const { page } = owner;
  await open();
  await toggle("Merge branches");
  let go;
  const isAllowed = new Promise((done) => {
    go = done;
  });
  const where = `**/api/v1/workspaces/acme/members/${tess}/permissions`;
  await page.route(where, async (route) => {
    if (route.request().method() === "PUT") await isAllowed;
    await route.continue();
  });
  await dialog().getByRole("button", { name: "Save 1 change" }).click();
  await dialog().locator("button[data-loading]").waitFor();
  assert.equal(await dialog().getByRole("button", { name: "Discard" }).isDisabled(), true);
  assert.equal(await dialog().getByRole("button", { name: "Close" }).isDisabled(), true);
  await page.keyboard.press("Escape");
  await page.mouse.click(20, 890);
  assert.equal(await page.getByText("Keep editing").count(), 0);
  await dialog().getByRole("heading", { name: "Permissions of Tess Ferreira" }).waitFor();
  go();
  await dialog().waitFor({ state: "detached" });
  await page.unroute(where);
  const path = `/workspaces/acme/members/${tess}/permissions`;
  const { body } = await ask(page, "GET", path);
  await ask(page, "PUT", path, { ...body, actions: body.actions.filter((one) => one !== "merge_branches") });
});

test("another slug, given by somebody else, asks nothing and loses nothing", async () => {
  const { page } = owner;
  await open();
  await toggle("Merge branches");
  await dialog().getByRole("button", { name: "Save 1 change" }).waitFor();
  const other = await owner.context.newPage();
  await other.goto("/workspaces");
  assert.equal((await ask(other, "PATCH", "/workspaces/acme", { slug: "acme-works" })).status, 200);
  await page.waitForURL(/\/acme-works\/members/);
  await dialog().getByRole("button", { name: "Save 1 change" }).waitFor();
  assert.equal(await page.getByText("Keep editing").count(), 0);
  assert.equal((await ask(other, "PATCH", "/workspaces/acme-works", { slug: "acme" })).status, 200);
  await page.waitForURL(/\/acme\/members/);
  await other.close();
  // What is given up once is asked about anew the next time.
  const row = page.getByRole("button", { name: "Permissions of Tess Ferreira", includeHidden: true });
  await page.keyboard.press("Escape");
  await dialog().getByRole("button", { name: "Discard 1 change" }).click();
  await dialog().waitFor({ state: "detached" });
  await row.click();
  await toggle("Merge branches");
  await dialog().getByRole("button", { name: "Save 1 change" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog().getByRole("button", { name: "Discard 1 change" }).click();
});

test("variables that are being edited outlast another's, and leaving asks", async () => {
  const { page } = owner;
  await page.goto(`${W}/instances/site-001-0001/settings`);
  await page.getByRole("button", { name: "Add a variable" }).click();
  await page.getByLabel("Name of the variable").last().fill("MINE");
  const { body } = await ask(page, "GET", "/workspaces/acme/instances/site-001-0001");
  const path = `/workspaces/acme/instances/${body.id}/environment`;
  const theirs = { environment: [{ name: "THEIRS", value: "1", secret: false }] };
  assert.equal((await ask(page, "PUT", path, theirs)).status, 200);
  await page.getByText("Somebody changed THEIRS meanwhile, which you didn't: what you save undoes that.").waitFor();
  assert.equal(await page.getByLabel("Name of the variable").last().inputValue(), "MINE");
  await look(page, "variables-meanwhile", { ready: "text=Somebody changed" });
  await page
    .getByRole("main")
    .getByRole("link", { name: /^Overview/ })
    .first()
    .click();
  await dialog().getByText("What you changed of the variables isn't saved.").waitFor();
  await dialog().getByRole("button", { name: "Keep editing" }).click();
  await page.getByRole("button", { name: "Drop mine, and show what is saved" }).click();
  await until(
    "theirs are shown",
    async () => (await page.getByLabel("Name of the variable").last().inputValue()) === "THEIRS",
  );
  assert.equal((await ask(page, "PUT", path, { environment: [] })).status, 200);
  await page.getByText("No variables.").waitFor();
});

test("of two tabs with the same settings the second says which fields of the first it would replace, and which undo", async () => {
  const { page } = owner;
  const limits = page.getByRole("region", { name: "Limits" });
  await limits.getByLabel("Memory").fill("1 GiB");
  await limits.getByLabel("Processors").fill("2");
  const other = await owner.context.newPage();
  await other.goto(`${W}/instances/site-001-0001/settings`);
  const first = other.getByRole("region", { name: "Limits" });
  await first.getByLabel("Memory").fill("2 GiB");
  await first.getByLabel("Disk").fill("10 GiB");
  await first.getByRole("button", { name: "Save" }).click();
  await other.getByText("the usual → 2 GiB").waitFor();
  await limits
    .getByText(
      "Somebody changed Memory and Disk meanwhile: what you save replaces Memory, which you changed too, and undoes the change of Disk.",
    )
    .waitFor();
  assert.equal(await limits.getByLabel("Memory").inputValue(), "1 GiB");
  await look(page, "limits-meanwhile", { ready: "text=Somebody changed Memory" });
  // What both have set the same isn't lost.
  await limits.getByLabel("Memory").fill("2 GiB");
  await limits.getByText("Somebody changed Disk meanwhile, which you didn't: what you save undoes that.").waitFor();
  await limits.getByRole("button", { name: "Drop mine, and show what is saved" }).click();
  await until("theirs is shown", async () => (await limits.getByLabel("Disk").inputValue()) === "10 GiB");
  // A save that comes before the word of it is refused, and says the same.
  await limits.getByLabel("Processors").fill("2");
  const path = "**/api/v1/workspaces/acme/instances/*/settings";
  let met = false;
  await page.route(path, async (route) => {
    if (route.request().method() !== "PATCH" || met) return route.fallback();
    met = true;
    await first.getByLabel("Memory").fill("3 GiB");
    await first.getByRole("button", { name: "Save" }).click();
    await other.getByText("2 GiB → 3 GiB").waitFor();
    await route.fallback();
  });
  await limits.getByRole("button", { name: "Save" }).click();
  await limits.getByText("Somebody changed Memory meanwhile, which you didn't: what you save undoes that.").waitFor();
  assert.equal(await limits.getByText("Somebody changed this since you loaded it.").count(), 0);
  await page.unroute(path);
  await limits.getByRole("button", { name: "Drop mine, and show what is saved" }).click();
  await other.close();
});

test("what is typed of a project outlasts another's, and leaving asks", async () => {
  const { page } = owner;
  await page.goto(`${W}/projects/site-001/settings`);
  const general = page.getByRole("form", { name: "General" });
  const name = general.getByLabel("Name");
  await name.fill("Mine");
  const path = "/workspaces/acme/projects/site-001";
  assert.equal((await ask(page, "PATCH", path, { name: "Theirs" })).status, 200);
  await general
    .getByText("Somebody changed Name meanwhile, which you changed too: what you save replaces that.")
    .waitFor();
  await page.getByRole("heading", { name: "Theirs", level: 1 }).waitFor();
  assert.equal(await name.inputValue(), "Mine");
  await look(page, "project-meanwhile", { ready: "text=Somebody changed" });
  await page.getByRole("main").getByRole("link", { name: "Board" }).first().click();
  await dialog().getByText("What you changed of the project isn't saved.").waitFor();
  await dialog().getByRole("button", { name: "Keep editing" }).click();
  await general.getByRole("button", { name: "Drop mine, and show what is saved" }).click();
  await until("theirs is shown", async () => (await name.inputValue()) === "Theirs");
  await name.fill("site-001");
  await general.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "site-001", level: 1 }).waitFor();
  await general.getByText("Somebody changed").waitFor({ state: "detached" });
  // Others' saves are followed where nothing is typed.
  assert.equal((await ask(page, "PATCH", path, { name: "Theirs" })).status, 200);
  await until("theirs is shown", async () => (await name.inputValue()) === "Theirs");
  assert.equal((await ask(page, "PATCH", path, { name: "site-001" })).status, 200);
});

test("nothing was logged as an error, and axe found nothing in both schemes and both widths", () => {
  const away = (text) => !/ERR_CONNECTION|ERR_INCOMPLETE|ERR_NETWORK|status of 50/.test(text);
  assert.deepEqual(owner.wrong.filter(away), []);
  assert.deepEqual(tester.wrong.filter(away), []);
  assert.deepEqual(findings, []);
});
