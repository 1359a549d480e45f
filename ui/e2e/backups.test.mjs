// Backups of a real application by restic itself: by a member with exactly that permission, and refused without it; what
// is left of a deleted instance, for its owner.

import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import http from "node:http";
import { join as joinPath } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { ask, done, joined, permit, settled, setUp, workshop } from "./team.mjs";

const W = "/acme";
const API = "/workspaces/acme";
const SHOP = `${W}/instances/shop`;
let stoa, browser, owner, keeper, other, repo, server, project;

const call = (method, path, body, who = owner) => done(who.page, method, `${API}${path}`, body);

const join = (name, email, profile) => joined(browser, stoa, owner, name, email, profile);

const quiet = () => until("no work goes on", async () => (await call("GET", "/instances/shop")).job === null, 60);

/** Asks an instance: its name is this machine's, whatever a resolver says. */
const asked = (url, method = "GET", body = "") =>
  new Promise((go, stop) => {
    const { host, port } = new URL(url);
    const headers = { Host: host, "Content-Type": "application/x-www-form-urlencoded", "Content-Length": body.length };
    const request = http.request({ host: "127.0.0.1", port, path: "/", method, headers }, async (answer) => {
      let text = "";
      for await (const piece of answer) text += piece;
      go({ status: answer.statusCode, text });
    });
    request.on("error", stop);
    request.end(body);
  });

async function write(url, text) {
  const answer = await asked(url, "POST", new URLSearchParams({ name: "Ada", text }).toString());
  assert.equal(answer.status, 303);
}

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const made = await workshop(owner.page, { server: "here", project: "guestbook" });
  server = made.server.id;
  project = made.project;
  await repo.git("remote", "add", "stoa", made.remote);
  await repo.git("push", "--quiet", "stoa", "main");
  const instance = await call("POST", "/instances", {
    name: "shop",
    project: project.id,
    server,
    stage: "staging",
    branch: "main",
  });
  await quiet();
  keeper = await join("Bea Backup", "bea@example.com", { actions: ["manage_backups"], instances: [instance.id] });
  other = await join("Otto Other", "otto@example.com", { actions: ["view_logs"], instances: [instance.id] });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("who may make backups makes one, downloads it and restores it", async () => {
  const { page } = keeper;
  const { url } = await call("GET", "/instances/shop");
  await write(url, "before the backup");
  await page.goto(SHOP);
  await page.getByRole("link", { name: "Backups" }).click();
  await page.getByText("No backups yet").waitFor();
  await look(page, "backups-empty", { ready: "text=No backups yet" });
  await page.getByRole("button", { name: "Back up with a note…" }).click();
  const noting = page.getByRole("dialog");
  await noting.getByLabel("Note").fill("Before the fix");
  await look(page, "backup-note", { ready: "role=dialog" });
  await noting.getByRole("button", { name: "Back up" }).click();
  await noting.waitFor({ state: "detached" });
  await page.getByText("Backing up").waitFor();
  await page.getByText("Verified").waitFor({ timeout: 60_000 });
  await page.getByText("Before the fix").waitFor();
  await quiet();
  await look(page, "backups", { ready: "role=table" });

  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: /^Download the backup of Today/ }).click();
  const download = await downloading;
  assert.match(download.suggestedFilename(), /^shop-.*\.tar\.zst$/);
  assert.equal(await download.failure(), null);

  await write(url, "after the backup");
  await page.getByRole("button", { name: /^Restore the backup of Today/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Loses").waitFor();
  await look(page, "restore", { ready: "role=dialog" });
  const restore = dialog.getByRole("button", { name: "Restore shop" });
  assert.ok(await restore.isDisabled());
  await dialog.getByLabel("Type shop to confirm").fill("shop");
  await dialog.getByText("The name matches").waitFor();
  await restore.click();
  await dialog.waitFor({ state: "detached" });
  await page.getByText("Before a restore").waitFor({ timeout: 60_000 });
  await quiet();
  const shown = (await asked(url)).text;
  assert.ok(shown.includes("before the backup") && !shown.includes("after the backup"), shown.slice(0, 2000));
  await page.getByRole("button", { name: "Back up now" }).click();
  await page.getByText("Backing up").waitFor();
  await quiet();
});

test("why a restore failed is told above the list until another begins, with its deployment for whoever reads those", async () => {
  const { page } = keeper;
  const shop = await call("GET", "/instances/shop");
  const { items } = await call("GET", "/instances/shop/backups");
  const backup = items.find(({ cause }) => cause === "hand");
  const restore = () => call("POST", `/backups/${backup.id}/restore`, { confirm: "shop" }, keeper);
  // Without its keys nobody opens a repository.
  const keys = joinPath(stoa.data, "agent/backups", shop.id, "keys");
  await page.goto(`${SHOP}/backups`);
  await page.getByRole("table").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  await rename(keys, `${keys}-away`);
  try {
    await restore();
    await quiet();
  } finally {
    await rename(`${keys}-away`, keys);
  }
  const [job] = (await call("GET", `/jobs?instance=${shop.id}`)).items;
  assert.deepEqual([job.kind, job.status], ["restore", "failed"]);
  const note = ({ page }) => page.getByRole("alert").filter({ hasText: "The last restore failed" });
  await note(keeper).getByText(job.error.detail).waitFor();
  assert.equal(await note(keeper).getByRole("link").count(), 0);
  await owner.page.goto(`${SHOP}/backups`);
  await note(owner).getByText(job.error.detail).waitFor();
  await owner.page.locator("header").getByText("Last restore failed").waitFor();
  await look(owner.page, "backups-restore-failed", { ready: "role=alert" });
  await note(owner)
    .getByRole("link", { name: /^deployment #/ })
    .click();
  await owner.page.waitForURL(/\/deployments\/./);
  await owner.page.getByRole("heading", { name: job.error.detail }).waitFor();
  await restore();
  await note(keeper).waitFor({ state: "detached" });
  await quiet();
  assert.equal(await note(keeper).count(), 0);
});

test("without the permission the tab isn't there, and its address says who can grant it", async () => {
  const { page } = other;
  await page.goto(SHOP);
  await page.getByRole("link", { name: "Logs" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Backups" }).count(), 0);
  await page.goto(`${SHOP}/backups`);
  await page.getByText("manage_backups").waitFor();
  await page.getByText("Anna Lindqvist").first().waitFor();
  const { items } = await call("GET", "/instances/shop/backups");
  const refused = await ask(page, "GET", `${API}/backups/${items[0].id}/download`);
  assert.equal(refused.status, 403);
  await look(page, "backups-refused", { ready: "text=manage_backups" });
});

test("an instance whose data never came says so, and has it brought by whoever manages its backups", async () => {
  const { items } = await call("GET", "/instances/shop/backups");
  const backup = items.find(({ cause }) => cause === "hand");
  const place = { project: project.id, server, stage: "development", branch: "main" };
  const made = await call("POST", "/instances", {
    name: "half",
    visibility: "public",
    ...place,
    from_backup: backup.id,
  });
  await call("POST", `/jobs/${made.job.id}/cancel`);
  await until("it waits for its data", async () => {
    const { job, lacks_data } = await call("GET", "/instances/half");
    return job === null && lacks_data;
  });
  const { id } = await call("GET", "/instances/shop");
  await permit(owner.page, keeper.id, { actions: ["manage_backups"], instances: [id, made.id] });
  await permit(owner.page, other.id, { actions: ["view_logs"], instances: [id, made.id] });
  await other.page.goto(`${W}/instances/half`);
  await other.page.getByText("Somebody who manages backups restores it here", { exact: false }).waitFor();
  assert.equal(await other.page.getByRole("link", { name: "Bring it again" }).count(), 0);
  const { page } = keeper;
  await page.goto(`${W}/instances/half`);
  await page.getByText("Its backup's data isn't in it yet, so it doesn't run.", { exact: false }).waitFor();
  await look(page, "instance-half", { ready: "text=Bring it again" });
  await page.getByRole("link", { name: "Bring it again" }).click();
  await page.getByText(/^half is made of the backup of shop, today, /).waitFor();
  await look(page, "backups-half", { ready: "text=Restore it here" });
  await page.getByRole("button", { name: "Restore it here…" }).click();
  const dialog = page.getByRole("dialog", { name: /^Restore the backup of shop, today, / });
  await dialog.getByText("Come to where none are yet: nothing is lost").waitFor();
  assert.equal(await dialog.getByText("Loses").count(), 0);
  await look(page, "restore-half", { ready: "role=dialog" });
  await dialog.getByLabel("Type half to confirm").fill("half");
  await dialog.getByRole("button", { name: "Restore half" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("main").getByText("Running", { exact: true }).first().waitFor({ timeout: 60_000 });
  await page.getByText("Its data isn't in it yet").waitFor({ state: "detached" });
  const { url } = await settled(owner.page, made.id);
  assert.ok((await asked(url)).text.includes("before the backup"));
});

test("what is left of a deleted instance is found by its owner, who makes another of it", async () => {
  const { page } = owner;
  await page.goto(SHOP);
  await page.getByRole("button", { name: "More about shop" }).click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog");
  assert.ok(await dialog.getByLabel("Make a last backup first").isChecked());
  await look(page, "instance-delete", { ready: "role=dialog" });
  await dialog.getByLabel("Type shop to confirm").fill("shop");
  await dialog.getByRole("button", { name: "Delete for good" }).click();
  await page.waitForURL(/\/instances$/);
  await page.getByRole("heading", { name: "Backups of deleted instances" }).waitFor({ timeout: 60_000 });
  await page.getByText("Before the deletion").waitFor();
  await look(page, "backups-deleted", { ready: "text=Before the deletion" });
  await page
    .getByRole("button", { name: /^New instance from it…/ })
    .first()
    .click();
  // No list opens by itself over what comes next.
  await page.waitForFunction(() => document.activeElement?.closest("[role=dialog]"));
  assert.equal(await page.getByRole("listbox").count(), 0);
  await dialog.getByLabel("Name").fill("shop-again");
  await look(page, "instance-from-backup", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "Create from the backup" }).click();
  await page.waitForURL(/\/instances\/shop-again$/);
  // It is on nobody's list: who may see it is asked at once.
  await dialog.getByText("Only owners see it yet.").waitFor();
  await look(page, "instance-who", { ready: "role=dialog" });
  await dialog.getByText("Bea Backup").click();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("main").getByText("Running").first().waitFor({ timeout: 60_000 });
  const made = await call("GET", "/instances/shop-again");
  assert.equal(made.visibility, "members");
  const seen = await ask(keeper.page, "GET", `${API}/instances/shop-again`);
  const unseen = await ask(other.page, "GET", `${API}/instances/shop-again`);
  assert.deepEqual([seen.status, unseen.status], [200, 404]);
  await page.goto(`${W}/instances`);
  await page
    .getByRole("button", { name: /^More about the backup/ })
    .first()
    .click();
  await page.getByRole("menuitem", { name: "Key for restic…" }).click();
  await dialog.getByRole("button", { name: "Show the key" }).click();
  await dialog.getByText("restic --repo").waitFor();
});

test("no screen has anything against it, and nothing went wrong unseen", () => {
  assert.deepEqual(findings, []);
  for (const one of [owner, keeper, other]) assert.deepEqual(one.wrong, []);
});
