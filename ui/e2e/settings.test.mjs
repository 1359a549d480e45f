// The settings of a real application: by a member with exactly that permission, and refused without it; what is set
// reaches it, and what was changed is reverted.

import assert from "node:assert/strict";
import dgram from "node:dgram";
import http from "node:http";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { ask, done, joined, permit, setUp, workshop } from "./team.mjs";

const W = "/acme";
const API = "/workspaces/acme";
const SHOP = `${W}/instances/shop`;
let stoa, browser, owner, setter, other, repo, names;

const call = (method, path, body, who = owner) => done(who.page, method, `${API}${path}`, body);

const join = (name, email, profile) => joined(browser, stoa, owner, name, email, profile);

const quiet = () => until("no work goes on", async () => (await call("GET", "/instances/shop")).job === null, 60);

/** Asks an instance by one of its hosts: a name is this machine's, whatever a resolver says. */
const asked = (host) =>
  new Promise((go, stop) => {
    const { port } = new URL(stoa.origin);
    const request = http.request({ host: "127.0.0.1", port, path: "/", headers: { Host: host } }, async (answer) => {
      let text = "";
      for await (const piece of answer) text += piece;
      go({ status: answer.statusCode, text });
    });
    request.on("error", stop);
    request.end();
  });

/** A name server that knows texts alone: `texts` by name. What it doesn't know doesn't exist. */
async function startNames() {
  const texts = new Map();
  const socket = dgram.createSocket("udp4");
  socket.on("message", (message, from) => {
    const labels = [];
    let at = 12;
    while (message[at] !== 0) {
      labels.push(message.subarray(at + 1, at + 1 + message[at]).toString());
      at += message[at] + 1;
    }
    const question = message.subarray(12, at + 5);
    const text = texts.get(labels.join(".").toLowerCase());
    const head = Buffer.from(message.subarray(0, 12));
    head.writeUInt16BE(text === undefined ? 0x8183 : 0x8180, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(text === undefined ? 0 : 1, 6);
    head.writeUInt32BE(0, 8);
    const answer = Buffer.alloc(text === undefined ? 0 : 13 + text.length);
    if (text !== undefined) {
      answer.writeUInt16BE(0xc00c, 0);
      answer.writeUInt16BE(16, 2);
      answer.writeUInt16BE(1, 4);
      answer.writeUInt32BE(0, 6);
      answer.writeUInt16BE(text.length + 1, 10);
      answer.writeUInt8(text.length, 12);
      answer.write(text, 13);
    }
    socket.send(Buffer.concat([head, question, answer]), from.port, from.address);
  });
  await new Promise((go) => socket.bind(0, "127.0.0.1", go));
  return { texts, port: socket.address().port, stop: () => socket.close() };
}

before(async () => {
  names = await startNames();
  stoa = await startStoa({ environment: { STOA_DNS_SERVER: `127.0.0.1:${names.port}` } });
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const { server, project, remote } = await workshop(owner.page, { server: "here", project: "guestbook" });
  await repo.git("remote", "add", "stoa", remote);
  await repo.git("push", "--quiet", "stoa", "main", "main:refs/heads/next");
  const wanted = { name: "shop", project: project.id, server: server.id, stage: "staging", branch: "main" };
  const instance = await call("POST", "/instances", wanted);
  await quiet();
  setter = await join("Sam Setter", "sam@example.com", { actions: ["manage_settings"], instances: [instance.id] });
  other = await join("Otto Other", "otto@example.com", { actions: ["view_logs"], instances: [instance.id] });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
  names?.stop();
});

const section = (page, name) => page.getByRole("region", { name, exact: true });
const save = (page, name, button = "Save") => section(page, name).getByRole("button", { name: button, exact: true });

test("who may set sets variables, limits and the health check, and is told that they need a restart", async () => {
  const { page } = setter;
  await page.goto(SHOP);
  await page.getByRole("main").getByRole("link", { name: "Settings" }).click();
  await section(page, "Environment").getByText("No variables.").waitFor();
  await look(page, "settings-empty", { ready: "text=Nothing was changed yet" });
  assert.equal(await page.getByLabel("Protected").count(), 0, "what owners alone set isn't shown");

  await page.getByRole("button", { name: "Add a variable" }).click();
  await page.getByLabel("Name of the variable").fill("API_KEY");
  await page.getByLabel("Value of API_KEY").fill("hunter2-canary");
  await page.getByLabel("Secret").check();
  await save(page, "Environment").click();
  await page.getByText("What runs was started with other settings.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Restart now" }).count(), 0, "without the permission to restart");
  assert.equal(await page.getByLabel("Value of API_KEY").inputValue(), "", "it is never given back");

  // One that Stoa gives as well is the instance's from then on: said while it is typed, and where it stands.
  const replaces = page.getByText("Takes the place of the LANG that Stoa gives.");
  await page.getByRole("button", { name: "Add a variable" }).click();
  await page.getByLabel("Name of the variable").last().fill("LANG");
  await replaces.waitFor();
  await page.getByLabel("Value of LANG").fill("de_DE.UTF-8");
  await save(page, "Environment").click();
  await section(page, "History").getByText("Set LANG").waitFor();
  await page.reload();
  await replaces.waitFor();
  await look(page, "settings-replaced", { ready: "text=Takes the place" });
  await page.getByRole("button", { name: "Remove LANG" }).click();
  await replaces.waitFor({ state: "detached" });
  await save(page, "Environment").click();
  await section(page, "History").getByText("Removed LANG").waitFor();

  await page.getByLabel("Memory").fill("1 MiB");
  await save(page, "Limits").click();
  await section(page, "Limits").getByText("From 64 MiB to 1 TiB.").waitFor();
  await page.getByLabel("Memory").fill("much");
  await section(page, "Limits").getByText("Write it such as 512 MiB.").waitFor();
  assert.ok(await save(page, "Limits").isDisabled());
  await save(page, "Limits").focus();
  await page.getByRole("tooltip").getByText("Correct what can't be read first").waitFor();
  await page.getByLabel("Memory").fill("512 MiB");
  await page.getByLabel("Processors").fill("0.5");
  await save(page, "Limits").click();
  await until("it is saved", async () => await save(page, "Limits").isDisabled());

  await page.getByRole("switch", { name: "Ask in another way than the application says" }).click();
  await page.getByLabel("Path", { exact: true }).fill("/health");
  await save(page, "Health check").click();
  await section(page, "History").getByText("as the application says").waitFor();
  const text = await page.getByRole("main").textContent();
  assert.ok(!text.includes("hunter2"), "a secret's value is in none of it");
  await look(page, "settings", { ready: "text=Restart" });
});

test("another branch is deployed at once, and what was changed is reverted", async () => {
  const { page } = setter;
  await page.getByRole("combobox", { name: "Branch" }).fill("--upload-pack=x");
  await save(page, "Branch", "Save and deploy").click();
  const wrong = section(page, "Branch").getByText("isn't a name that a branch can have");
  await wrong.waitFor();
  await section(page, "Branch").getByRole("button", { name: "Discard" }).click();
  await wrong.waitFor({ state: "detached" });
  await page.getByRole("combobox", { name: "Branch" }).fill("next");
  await save(page, "Branch", "Save and deploy").click();
  await section(page, "History").getByText("main → next").waitFor();
  await quiet();
  const { branch, status } = await call("GET", "/instances/shop");
  assert.deepEqual([branch, status], ["next", "running"]);

  const revert = (text) =>
    section(page, "History")
      .getByRole("listitem")
      .filter({ hasText: text })
      .getByRole("button", { name: /^Revert/ })
      .click();
  const dialog = page.getByRole("dialog");
  await revert("Set API_KEY");
  await dialog.getByText("API_KEY is removed for good").waitFor();
  await look(page, "settings-revert-secret", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  await revert("512 MiB");
  await dialog.getByText("These go back to what they were before it").waitFor();
  await dialog.getByText("Memory").getByText("the usual").waitFor();
  assert.equal(await dialog.getByText("512 MiB").count(), 0);
  await look(page, "settings-revert", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "Revert", exact: true }).click();
  await section(page, "History")
    .getByText(/^Reverted the change of /)
    .first()
    .waitFor();
  await until("the field is empty again", async () => (await page.getByLabel("Memory").inputValue()) === "");
});

test("a domain serves once its proof is in the DNS, and no longer", async () => {
  const { page } = setter;
  await page.getByLabel("Domain to add").fill("x.localhost");
  await page.getByRole("button", { name: "Add a domain" }).click();
  await section(page, "Domains").getByText("Stoa itself is reached by this name").waitFor();
  await page.getByLabel("Domain to add").fill("Shop.Example.ORG");
  await page.getByRole("button", { name: "Add a domain" }).click();
  await page.getByText("Not proved yet").waitFor();
  assert.equal((await asked("shop.example.org")).status, 421);
  const proof = await section(page, "Domains").locator("pre").textContent();
  await page.getByRole("button", { name: "Check now" }).click();
  await page.getByText("has no TXT record yet").waitFor();
  await look(page, "settings-domain", { ready: "text=Not proved yet" });
  names.texts.set("_stoa.shop.example.org", proof);
  await page.getByRole("button", { name: "Check now" }).click();
  await section(page, "Domains").getByText("Verified").waitFor();
  const served = await asked("shop.example.org");
  assert.equal(served.status, 200);
  assert.match(served.text, /guestbook/i);
  names.texts.delete("_stoa.shop.example.org");
  await page.getByRole("button", { name: "Check now" }).click();
  await page.getByText("Not proved yet").waitFor();
  assert.equal((await asked("shop.example.org")).status, 421);
  await page.getByRole("button", { name: "Remove shop.example.org" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove the domain" }).click();
  await page.getByText("No domains.").waitFor();
});

test("an owner restarts with what is set, lifts the protection, and leaving asks", async () => {
  const { page } = owner;
  await page.goto(`${SHOP}/settings`);
  await page.getByRole("button", { name: "Restart now" }).click();
  await page.getByText("What runs was started with other settings.").waitFor({ state: "detached", timeout: 60_000 });
  await quiet();
  // Whoever opens the list looks for another than the one that stands in the field.
  await page.getByRole("combobox", { name: "Branch" }).click();
  await page.getByRole("option", { name: "main", exact: true }).waitFor();
  await page.getByRole("option", { name: "next", exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("switch", { name: "Protected" }).click();
  await section(page, "Name and protection").getByRole("button", { name: "Save" }).click();
  await section(page, "History").getByText("off → on").waitFor();
  await page.getByRole("switch", { name: "Back up every day" }).click();
  await page
    .getByRole("main")
    .getByRole("link", { name: /^Overview/ })
    .first()
    .click();
  await page.getByRole("dialog").getByText("What you changed of the backup schedule isn't saved.").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Leave without saving" }).click();
  await page.waitForURL(`**${SHOP}`);
  // What can't be deleted says where that is lifted, and leads there.
  await page.getByRole("button", { name: "More about shop" }).click();
  await page.getByRole("menuitem", { name: "Go to its protection" }).click();
  await page.waitForFunction(() => document.activeElement?.id === "protection");
});

test("who lacks the permission is told who can grant it, and whoever loses it stands before it at once", async () => {
  const { page } = other;
  await page.goto(SHOP);
  await page.getByRole("main").getByRole("link", { name: "Logs" }).waitFor();
  assert.equal(await page.getByRole("main").getByRole("link", { name: "Settings" }).count(), 0);
  await page.goto(`${SHOP}/settings`);
  await page.getByText("manage_settings").first().waitFor();
  await look(page, "settings-forbidden", { ready: "text=manage_settings" });
  const refused = await ask(page, "PATCH", `${API}/instances/shop/settings`, { visibility: "members" });
  assert.deepEqual([refused.status, refused.body.missing], [403, ["manage_settings"]]);

  await setter.page.goto(`${SHOP}/settings`);
  await section(setter.page, "Limits").waitFor();
  await permit(owner.page, setter.id, {});
  await section(setter.page, "Limits").waitFor({ state: "detached" });
});

test("nothing was logged as an error, and axe found nothing in both schemes and both widths", () => {
  for (const { wrong } of [owner, setter, other]) assert.deepEqual(wrong, []);
  assert.deepEqual(findings, []);
});
