// Where backups go: a bucket of a real S3-compatible storage, set and tried by an owner; a backup that is made there,
// downloaded and restored; and a key that is refused.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { lacks } from "./need.mjs";
import { repository, startStoa, tree, until } from "./stoa.mjs";
import { done, setUp, workshop } from "./team.mjs";

const API = "/workspaces/acme";
let stoa, browser, owner, repo, storage, folder, instance;

const call = (method, path, body) => done(owner.page, method, `${API}${path}`, body);
const quiet = () => until("no work goes on", async () => (await call("GET", "/instances/shop")).job === null, 90);

async function startStorage() {
  folder = await mkdtemp(join(tmpdir(), "stoa-storage-"));
  const child = spawn(join(tree, "scripts/storage-server"), [folder], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    once(child, "close").then(([code]) => [code === 75 ? "" : assert.fail(said)]),
  ]);
  const [port, bucket, keyId, key] = line.split(" ");
  return port ? { child, port, bucket, keyId, key } : { missing: said.trim() };
}

before(async () => {
  storage = await startStorage();
  if (storage.missing) return;
  stoa = await startStoa({ environment: { STOA_EGRESS_ALLOW: `127.0.0.1:${storage.port}` } });
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const made = await workshop(owner.page, { server: "here", project: "guestbook" });
  await repo.git("remote", "add", "stoa", made.remote);
  await repo.git("push", "--quiet", "stoa", "main");
  instance = await call("POST", "/instances", {
    name: "shop",
    project: made.project.id,
    server: made.server.id,
    stage: "staging",
    branch: "main",
  });
  await quiet();
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
  storage?.child?.kill();
  await rm(folder, { recursive: true, force: true });
});

test("an owner has backups go to a bucket, tries it, and a backup is made and restored there", async (t) => {
  if (lacks(t, "storage", !storage.missing, storage.missing)) return;
  const { page } = owner;
  await page.goto(`${stoa.origin}/acme/settings/backups`);
  await look(page, "storage-disk", { ready: "form[aria-label='Where backups go']" });
  await page.getByLabel("S3-compatible storage").check();
  await page.getByLabel("Address").fill("http://127.0.0.1:9");
  await page.getByLabel("Bucket").fill(storage.bucket);
  await page.getByLabel("Key id").fill(storage.keyId);
  await page.getByLabel("Secret key").fill("a-wrong-secret-key");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("is a private address", { exact: false }).waitFor();

  await page.getByLabel("Address").fill(`http://127.0.0.1:${storage.port}`);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Replace" }).waitFor();
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText("It refuses the key", { exact: false }).waitFor();
  assert.ok(!(await page.content()).includes("a-wrong-secret-key"), "it is shown nowhere");

  await page.getByRole("button", { name: "Replace" }).click();
  await page.getByLabel("Secret key").fill(storage.key);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Replace" }).waitFor();
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText("Something was written into the bucket, read and removed.").waitFor();
  await look(page, "storage-bucket");

  await call("POST", "/instances/shop/backups", {});
  await quiet();
  const made = (await call("GET", "/instances/shop/backups")).items[0];
  assert.equal(made.status, "ready", made.reason);
  assert.ok(!existsSync(join(stoa.data, "agent/backups", instance.id)), "nothing of it is on the disk");
  const key = await call("GET", `/backups/${made.id}/key`);
  assert.match(key.repository, /^s3:http:\/\/127\.0\.0\.1:\d+\/stoa-backups\/stoa\//);
  await call("POST", `/backups/${made.id}/restore`, { confirm: "shop" });
  await quiet();
  const list = (await call("GET", "/instances/shop/backups")).items;
  assert.deepEqual([list.length, list[0].cause, list[0].status], [2, "before_restore", "ready"]);

  // Back to the disk: the one in the bucket is still there.
  await page.goto(`${stoa.origin}/acme/settings/backups`);
  await page.getByLabel("The server's disk").check();
  await page.getByRole("button", { name: "Save" }).click();
  // What is said of the disk stands there as soon as that is chosen; it is kept once the server has said so.
  await Promise.all([
    page.waitForResponse(
      (answer) => answer.url().endsWith("/backup-storage") && answer.request().method() === "DELETE",
    ),
    page.getByRole("button", { name: "Keep them there" }).click(),
  ]);
  await page.getByText("If that disk is lost", { exact: false }).waitFor();
  await call("POST", `/backups/${made.id}/restore`, { confirm: "shop" });
  await quiet();
  const last = (await call("GET", "/instances/shop/backups")).items[0];
  assert.deepEqual([last.cause, last.status], ["before_restore", "ready"]);
  assert.ok(existsSync(join(stoa.data, "agent/backups", instance.id)), "the safety backup is on the disk");
});

test("axe finds nothing", () => assert.deepEqual(findings, []));
