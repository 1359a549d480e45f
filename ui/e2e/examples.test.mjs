// Examples, each put online from the first start by one click: the click leads to its log, and it runs. What the server
// lacks is said before, and what fails can be clicked again.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { failing, findings, look, person, startBrowser } from "./browser.mjs";
import { lacks } from "./need.mjs";
import { startPackages } from "./packages.mjs";
import { spawned, startStoa, until } from "./stoa.mjs";
import { ask, joined, settled, setUp } from "./team.mjs";

const W = "/workspaces/acme";
/** What the tests are told to demand, by what Stoa calls what an example needs. */
const WORDS = { "Internet access": "network", PostgreSQL: "postgresql", "Python 3 with venv": "django" };
let stoa, browser, owner, packages;
const folders = [];

const call = async (method, path, body, status) => {
  const answer = await ask(owner.page, method, path, body);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return answer.body;
};

const row = (page, name) =>
  page
    .getByRole("list", { name: "Examples" })
    .getByRole("listitem")
    .filter({ has: page.getByRole("heading", { name }) });

/** Clicks once, and is where its log runs. */
async function deploy(name, slug) {
  const { page } = owner;
  await page.goto("/acme/start");
  await page.getByRole("button", { name: `Deploy ${name}` }).click();
  await page.waitForURL(new RegExp(`/acme/instances/${slug}/deployments/[0-9a-f-]{36}$`));
  await page.getByRole("log").waitFor();
}

const runs = () => owner.page.getByRole("main").getByText("Running").first().waitFor({ timeout: 120_000 });

/** Opens its address as a visitor does. */
async function visitor(slug) {
  const { url } = await call("GET", `${W}/instances/${slug}`, undefined, 200);
  const tab = await owner.context.newPage();
  await tab.goto(url);
  return tab;
}

before(async () => {
  packages = await startPackages();
  stoa = await startStoa({ environment: packages.environment });
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  await call("POST", "/workspaces", { name: "Acme" }, 201);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await packages?.stop();
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

test("what an example needs is said before the click, and what the server lacks keeps it from being clicked", async () => {
  const { page } = owner;
  await page.goto("/acme/start");
  for (const name of ["Guestbook", "Shop", "Notes", "Site"]) await row(page, name).waitFor();
  await row(page, "Site").getByText("Needs nothing there").waitFor();
  await look(page, "examples", { ready: "text=Deploy an example" });

  const missing = "Node.js with npm isn't on the server where instances see it. Install it: apt-get install nodejs npm";
  await page.route("**/api/v1/workspaces/acme/examples", async (route) => {
    if (route.request().method() !== "GET") return route.fallback();
    const answer = await route.fetch();
    const list = await answer.json();
    const notes = list.items.find(({ key }) => key === "notes");
    notes.needs = [{ name: "Node.js with npm", is_there: false, missing }];
    notes.blocked = { deploy: { code: "server_lacks", detail: missing } };
    await route.fulfill({ response: answer, json: list });
  });
  await page.reload();
  await row(page, "Notes").getByText(missing).waitFor();
  const button = page.getByRole("button", { name: "Deploy Notes" });
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await look(page, "examples-missing", { ready: "text=Look again" });
  await button.click({ force: true });
  await page.unroute("**/api/v1/workspaces/acme/examples");
  // Installed by now: nothing has to be loaded anew.
  await page.getByRole("button", { name: "Look again" }).click();
  await row(page, "Notes").getByText(missing).waitFor({ state: "detached" });
  assert.match(page.url(), /\/start$/);
  assert.deepEqual((await call("GET", `${W}/projects`, undefined, 200)).items, []);
});

test("where the click fails nothing is half there, the row says why, and the next click does it", async () => {
  const { page } = owner;
  await page.goto("/acme/start");
  const told = await failing(page, "**/api/v1/workspaces/acme/examples", "POST");
  await page.getByRole("button", { name: "Deploy Site" }).click();
  await row(page, "Site").getByRole("alert").waitFor();
  await told();
  for (const noun of ["projects", "instances", "servers"])
    assert.deepEqual((await call("GET", `${W}/${noun}`, undefined, 200)).items, [], noun);
  await page.getByRole("button", { name: "Deploy Site" }).click();
  await page.waitForURL(/\/acme\/instances\/site\/deployments\/[0-9a-f-]{36}$/);
  await page.getByRole("log").getByText("Taken for static files, because it has index.html.").waitFor();
  await runs();
  const tab = await visitor("site");
  await tab.getByRole("heading", { name: "Nothing runs here but files" }).waitFor();
  await tab.getByRole("link", { name: "About this example" }).click();
  await tab.getByRole("heading", { name: "About" }).waitFor();
  await tab.close();
});

test("what is pushed to an example goes on from the commit that the click made", async () => {
  const project = await call("GET", `${W}/projects/site`, undefined, 200);
  const { token } = await call("POST", "/me/tokens", { name: "laptop" }, 201);
  const remote = new URL(project.repository.url);
  remote.username = "anna";
  remote.password = token;
  const folder = await mkdtemp(join(tmpdir(), "stoa-e2e-site-"));
  folders.push(folder);
  const git = async (...values) => {
    const by = ["-c", "user.name=Anna", "-c", "user.email=anna@example.com", "-C", folder];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
    const { code, said } = await spawned("git", [...by, ...values], { env });
    assert.equal(code, 0, said);
    return said;
  };
  await git("clone", "--quiet", remote.href, ".");
  assert.match(await git("log", "--format=%an %cn %s"), /^Anna Lindqvist Stoa Site, as it comes with Stoa\n$/);
  const shown = join(folder, "index.html");
  await writeFile(shown, (await readFile(shown, "utf8")).replace("Nothing runs here but files", "By a push"));
  await git("commit", "--quiet", "--all", "--message=Our own words");
  await git("push", "--quiet", "origin", "HEAD:main");
  await until("the push is deployed", async () => {
    const [newest] = (await call("GET", `${W}/instances/site/deployments`, undefined, 200)).items;
    return newest.number === 2 && newest.status === "succeeded";
  });
  const tab = await visitor("site");
  await tab.getByRole("heading", { name: "By a push" }).waitFor();
  await tab.close();
});

test("the guestbook runs, and the first start shows where", async () => {
  await deploy("Guestbook", "guestbook");
  await owner.page.getByRole("log").getByText("The table is there.").waitFor({ timeout: 60_000 });
  await runs();
  const tab = await visitor("guestbook");
  await tab.getByLabel("Your name").fill("Mia");
  await tab.getByLabel("Your words").fill("By one click");
  await tab.getByRole("button", { name: "Sign the guestbook" }).click();
  await tab.getByText("By one click").waitFor();
  await tab.close();
  await owner.page.goto("/acme/start");
  const shown = row(owner.page, "Guestbook");
  await shown.getByText("Running").waitFor();
  await shown.getByRole("link", { name: "Open it" }).waitFor();
  await owner.page.getByRole("button", { name: "Deploy another Guestbook" }).waitFor();
  // What came of an example isn't taken for an application of one's own.
  await owner.page.getByRole("button", { name: "Make a repository for it" }).waitFor();
  await look(owner.page, "examples-running", { ready: "text=Open it" });
});

test("the notes are taken for Node, and are kept", async (here) => {
  const { items } = await call("GET", `${W}/examples`, undefined, 200);
  const [{ is_there: isThere, missing }] = items.find(({ key }) => key === "notes").needs;
  if (lacks(here, "npm", isThere, missing)) return;
  await deploy("Notes", "notes");
  await owner.page
    .getByRole("log")
    .getByText("Taken for Node, because its package.json has a script `start`.")
    .waitFor();
  await runs();
  const tab = await visitor("notes");
  await tab.getByLabel("Note").fill("Water the <plants>");
  await tab.getByRole("button", { name: "Keep" }).click();
  await tab.getByText("Water the <plants>").waitFor();
  await tab.getByRole("button", { name: "Done: Water the <plants>" }).click();
  await tab.getByText("Nothing to keep in mind.").waitFor();
  await tab.close();
});

test("the shop is built as it stands by one click, has its database, and runs", async (here) => {
  const { items } = await call("GET", `${W}/examples`, undefined, 200);
  for (const { name, is_there: isThere, missing } of items.find(({ key }) => key === "shop").needs)
    if (lacks(here, WORDS[name] ?? assert.fail(name), isThere, missing)) return;
  const [what, why] = packages.missing ?? [];
  if (lacks(here, what, !packages.missing, why)) return;
  await deploy("Shop", "shop");
  const { id } = await settled(owner.page, "shop");
  const log = owner.page.getByRole("log");
  for (const line of ["$ .venv/bin/pip install --quiet -r requirements.txt", "$ .venv/bin/python manage.py prepare"])
    await log.getByText(line).waitFor();
  await runs();
  const { items: deployments } = await call("GET", `${W}/instances/${id}/deployments`, undefined, 200);
  assert.deepEqual(
    deployments.map(({ number, status }) => [number, status]),
    [[1, "succeeded"]],
  );
  const tab = await visitor("shop");
  await tab.getByRole("heading", { name: "Welcome to the shop" }).waitFor();
  // Who was put into its tables is counted there.
  await tab.goto(new URL("/health", tab.url()).href);
  await tab.getByText("4 people shop here").waitFor();
  await tab.close();
});

test("a new project may be an example too, and who isn't an owner is offered none", async () => {
  const { page } = owner;
  await page.goto("/acme/projects");
  await page.getByRole("button", { name: "New project" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("An example", { exact: true }).click();
  await dialog.getByRole("button", { name: "Deploy another Site" }).waitFor();
  await look(page, "examples-dialog", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "Deploy another Site" }).click();
  await page.waitForURL(/\/acme\/instances\/site-2\/deployments\/[0-9a-f-]{36}$/);
  await runs();

  const mia = await joined(browser, stoa, owner, "Mia Member", "mia@example.com");
  const refused = await ask(mia.page, "POST", `${W}/examples`, { example: "site" });
  assert.deepEqual([refused.status, refused.body.code], [403, "owner_required"]);
  await mia.page.goto("/acme/start");
  await mia.page.getByRole("main").getByText("set up the workspace").waitFor();
  assert.equal(await mia.page.getByRole("list", { name: "Examples" }).count(), 0);
  assert.deepEqual([...owner.wrong, ...mia.wrong], []);
  assert.deepEqual(findings, []);
});
