// The whole way of a team: a real push, a real instance in its sandbox, a real letter, and rights that act at once.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startMail, startStoa, until, visit } from "./stoa.mjs";
import { ask, joinAs, setUp } from "./team.mjs";

const W = "/unicode-gmbh";
let mail, stoa, browser, owner, tester, repo;

const instance = (slug) =>
  ask(owner.page, "GET", `/workspaces/unicode-gmbh/instances/${slug}`).then(({ body }) => body);

async function createInstance(page, { name, branch, stage }) {
  await page.goto(`${W}/instances`);
  await page.getByRole("button", { name: "New instance" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Branch" }).click();
  await page.getByRole("option", { name: branch, exact: true }).click();
  await dialog.getByRole("combobox", { name: "Stage" }).click();
  await page.getByRole("option", { name: stage }).click();
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Create and deploy" }).click();
  await page.waitForURL(new RegExp(`/instances/${name}$`));
}

before(async () => {
  mail = await startMail();
  stoa = await startStoa({ mail });
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
  await repo?.remove();
});

test("the administrator is set up, and a workspace with this machine as its server", async () => {
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  await page.getByRole("main").getByRole("button", { name: "Create Workspace" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Ünïcode GmbH");
  await page.getByText("Valid and free").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Create Workspace" }).click();
  await page.waitForURL(/\/unicode-gmbh/);
  await page.goto(`${W}/start`);
  await look(page, "first-start", { ready: "h1" });
  await page.goto(`${W}/servers`);
  await look(page, "servers-empty", { ready: "h1:has-text('Servers')" });
  await page.getByRole("button", { name: /Add/ }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Add server" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // The machine of the tests may be short of room: then that is what its state says.
  const state = "text=/^(Connected|(Disk|Memory) nearly full)$/";
  await page.locator(state).first().waitFor();
  await look(page, "servers", { ready: state });
});

test("a project takes a plain git push with an access token", async () => {
  const { page } = owner;
  await page.goto(`${W}/projects`);
  await look(page, "projects-empty", { ready: "h1:has-text('Projects')" });
  await page.getByRole("button", { name: "New project" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("guestbook");
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /Create/ })
    .click();
  await page.waitForURL(/\/projects\/guestbook/);
  await look(page, "project-empty", { ready: "h1:has-text('guestbook')" });
  const made = await ask(page, "POST", "/me/tokens", { name: "laptop" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const project = await ask(page, "GET", "/workspaces/unicode-gmbh/projects/guestbook");
  const remote = new URL(project.body.repository.url);
  remote.username = "anna";
  remote.password = made.body.token;
  await repo.git("remote", "add", "stoa", remote.href);
  await repo.git("push", "--quiet", "stoa", "main");
  await repo.git("push", "--quiet", "stoa", "main:next");
  // The open board shows the branches without being loaded anew.
  await page.getByText("next", { exact: true }).first().waitFor();
});

test("production and staging are deployed, and answer by their addresses", async () => {
  const { page } = owner;
  await createInstance(page, { name: "shop-production", branch: "main", stage: "Production" });
  await page.getByRole("main").getByText("Running").first().waitFor({ timeout: 60_000 });
  await look(page, "instance", { ready: "h1:has-text('shop-production')" });
  const { url } = await instance("shop-production");
  const visitor = await owner.context.newPage();
  await visitor.goto(url);
  await visitor.getByText("Welcome").first().waitFor();
  await visitor.close();

  await createInstance(page, { name: "shop-staging", branch: "next", stage: "Staging" });
  await page.getByRole("main").getByText("Running").first().waitFor({ timeout: 60_000 });
  await page.goto(`${W}/instances/shop-staging/deployments`);
  await look(page, "deployments", { ready: "role=table" });
  await page.goto(`${W}/instances/shop-staging/logs`);
  await page.getByRole("log").waitFor();
  await look(page, "logs", { ready: "role=log" });
  // Beside the sidebar its tools stand in one line, and what is sought stands whole beside how often it was found.
  const find = page.getByLabel("Find in the log");
  await find.fill("ORDER-7");
  const places = [find, page.getByRole("group", { name: "Levels" }), page.getByRole("button", { name: "Download" })];
  const boxes = await Promise.all(places.map((one) => one.boundingBox()));
  const middles = boxes.map(({ y, height }) => Math.round((y + height / 2) / 4));
  assert.equal(new Set(middles).size, 1, JSON.stringify(boxes));
  assert.ok(await find.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth));
  await find.fill("");
  await page.goto(`${W}/instances`);
  await look(page, "instances", { ready: "text=shop-staging" });
  await page.goto(`${W}/projects/guestbook`);
  await look(page, "board", { ready: "text=shop-staging" });
  await page.goto(W);
  await look(page, "overview", { ready: "h1:has-text('Overview')" });
});

test("a commit that breaks it leaves the earlier release running, and the page says why", async () => {
  const { page } = owner;
  const before = await instance("shop-production");
  await page.goto(`${W}/instances/shop-production/deployments`);
  await page.getByRole("table").waitFor();
  await writeFile(join(repo.folder, "app.py"), 'raise SystemExit("the folder of fonts is empty")\n');
  await repo.git("commit", "--quiet", "--all", "--message=Break it");
  await repo.git("push", "--quiet", "stoa", "main");
  await page.getByText("Failed").first().waitFor({ timeout: 60_000 });
  const now = await instance("shop-production");
  assert.equal(now.commit, before.commit);
  const { body } = await ask(page, "GET", "/workspaces/unicode-gmbh/instances/shop-production/deployments");
  const [failed] = body.items;
  assert.equal(failed.status, "failed");
  await page.goto(`${W}/instances/shop-production/deployments/${failed.id}`);
  await page.getByText(failed.reason).first().waitFor();
  await look(page, "deploy-failed", { ready: "h1" });
  assert.equal(await visit(now.url), 200);
});

test("an invited person sees nothing, then exactly what was granted, on the page that is open", async () => {
  const { page } = owner;
  await page.goto(`${W}/members`);
  await page.getByRole("button", { name: "Invite Member" }).click();
  await page.getByLabel("E-mail addresses").fill("tester@example.com");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  await page.getByRole("button", { name: "Done" }).click();
  const letter = await mail.to("tester@example.com");
  tester = await person(browser, stoa.origin);
  await tester.page.goto(letter.text.match(/^http\S+\/invitations\/\S+$/m)[0]);
  await joinAs(tester.page, "Tess Ferreira", "unicode-gmbh");
  await look(tester.page, "overview-nothing", { ready: "h1" });
  await tester.page.goto(`${W}/instances`);
  await look(tester.page, "instances-none", { ready: "h1:has-text('Instances')" });
  for (const list of ["instances", "servers"]) {
    const { body } = await ask(tester.page, "GET", `/workspaces/unicode-gmbh/${list}`);
    assert.deepEqual(body.items, []);
  }

  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  const dialog = page.getByRole("dialog");
  await dialog
    .locator("label", { hasText: /^Restart/ })
    .first()
    .click();
  await dialog.locator("label", { hasText: /^Logs/ }).first().click();
  await dialog.getByRole("combobox", { name: "Allowed instances" }).click();
  await page.getByRole("option", { name: "shop-staging" }).click();
  await page.keyboard.press("Escape");
  await look(page, "permissions-granted", { ready: "text=Save 3 changes" });
  await dialog.getByRole("button", { name: "Save 3 changes" }).click();
  await tester.page.getByRole("link", { name: "shop-staging" }).first().waitFor();
  assert.equal(await tester.page.getByText("shop-production").count(), 0);
  // What the sidebar counts is what the member's own lists hold; where nothing may be opened, nothing is counted.
  const main = tester.page.getByRole("navigation", { name: "Main" });
  await main.getByRole("link", { name: /^Instances\s*1$/ }).waitFor();
  assert.equal(await main.getByRole("link", { name: /^(Projects|Servers)/ }).count(), 0);
});

test("the member restarts staging soft and hard, and can't stop it", async () => {
  const { page } = tester;
  await page.getByRole("link", { name: "shop-staging" }).first().click();
  await page.getByRole("heading", { name: "shop-staging" }).waitFor();
  await look(page, "instance-member", { ready: "h1:has-text('shop-staging')" });
  for (const how of ["Soft restart", "Hard restart"]) {
    await until(`${how} can be asked for`, async () => {
      const { body } = await ask(page, "GET", "/workspaces/unicode-gmbh/instances/shop-staging");
      return body.status === "running" && !body.job;
    });
    await page.locator("button:not([data-disabled])", { hasText: "Restart" }).click();
    const answered = page.waitForResponse((answer) => answer.url().endsWith("/restart"));
    await page.getByRole("menuitem", { name: new RegExp(how) }).click();
    assert.equal((await answered).status(), 202);
  }
  await until("it runs again", async () => {
    const { body } = await ask(page, "GET", "/workspaces/unicode-gmbh/instances/shop-staging");
    return body.status === "running" && !body.job;
  });
  const stop = await ask(page, "POST", "/workspaces/unicode-gmbh/instances/shop-staging/stop", {});
  assert.equal(stop.status, 403);
  assert.deepEqual(stop.body.missing, ["stop_instances"]);
  assert.deepEqual(stop.body.ask, [{ name: "Anna Lindqvist" }]);
  await page.getByRole("button", { name: "Stop", disabled: true }).waitFor();
  // Beside what isn't allowed stand the reasons, as beside what isn't there.
  await page.getByRole("button", { name: "Why?" }).click();
  const why = page.getByRole("dialog", { name: "What may you do, and why?" });
  await why.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Stop", exact: true }).click();
  await why.getByText("You don't have the permission Stop. Ask Anna Lindqvist, who owns the workspace.").waitFor();
  await look(page, "why", { ready: "text=Not allowed." });
  await page.keyboard.press("Escape");
  await page.goto(`${W}/instances/shop-production`);
  await page.getByText("There is nothing here").waitFor();
  await page.getByRole("button", { name: "Why?" }).click();
  const missing = page.getByRole("dialog", { name: "Why is there nothing here?" });
  await missing.getByText("No instance shop-production is listed under Resource Access.").waitFor();
  await missing.getByText(/Anna Lindqvist owns .+: ask there/).waitFor();
  await look(page, "why-missing", { ready: "text=Not among what you may see" });
  await missing.getByRole("button", { name: "Ask about something else" }).click();
  await page.getByText("Owners give permissions, and add what isn't offered here.").waitFor();
  await page.keyboard.press("Escape");
  await page.goto(`${W}/nothing-of-this`);
  await page.getByRole("button", { name: "Why?" }).click();
  await missing.getByText("no page of Stoa has this address").waitFor();
  await page.keyboard.press("Escape");
  // What owners do says so of itself, to whoever isn't one.
  await page.goto(`${W}/settings/general`);
  await page.getByRole("button", { name: "Why?" }).click();
  await why.getByText("Owners alone do this, whatever you are granted. Ask Anna Lindqvist, who owns").waitFor();
  await page.keyboard.press("Escape");
  await page.goto(new URL("/never-heard-of/instances", page.url()).href);
  await page.getByRole("button", { name: "Why?" }).click();
  await missing.getByText("Whether there is one isn't told to anybody who isn't in it.").waitFor();
});

test("the open log ends when Logs is taken away", async () => {
  await tester.page.goto(`${W}/instances/shop-staging/logs`);
  await tester.page.getByText("Live").waitFor();
  const { body: members } = await ask(owner.page, "GET", "/workspaces/unicode-gmbh/members");
  const tess = members.items.find((one) => one.account.name === "Tess Ferreira");
  const path = `/workspaces/unicode-gmbh/members/${tess.id}/permissions`;
  const { body } = await ask(owner.page, "GET", path);
  await ask(owner.page, "PUT", path, { ...body, actions: ["restart_instances"] });
  await tester.page
    .getByText(/You may not read/)
    .first()
    .waitFor();
  await look(tester.page, "may-not", { ready: "text=/You may not read/" });
});

test("whoever is removed is told, and has nothing of the workspace any more", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: "More about Tess Ferreira" }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await tester.page.getByText("Ünïcode GmbH isn't open to you any more").waitFor();
  const { status } = await ask(tester.page, "GET", "/workspaces/unicode-gmbh");
  assert.equal(status, 404);
});

test("kill -9 loses nothing, and everything answers again after the next start", async () => {
  const { url } = await instance("shop-production");
  await stoa.kill();
  await stoa.again();
  await until("the address answers", async () => (await visit(url)) === 200);
  await owner.page.goto(`${W}/instances`);
  await owner.page.getByText("shop-production").first().waitFor();
});

test("it ends within ten seconds, and says what goes on running", async () => {
  const said = await stoa.end();
  assert.match(said, /stoa instances stop --all/);
});

test("nothing was logged as an error, nothing broke the content policy, and nothing was asked by time", () => {
  const away = (text) => !/ERR_CONNECTION|ERR_INCOMPLETE|ERR_NETWORK|status of 50/.test(text);
  assert.deepEqual(owner.wrong.filter(away), []);
  assert.deepEqual(tester.wrong.filter(away), []);
});

test("axe found nothing on any screen, in both schemes and both widths", () => {
  assert.deepEqual(findings, []);
});
