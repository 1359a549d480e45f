// One action, one member who has it and nothing else: each does with it what it is for, on the page, and whoever lacks it
// is refused there and by the API. Then what is done about what fails, and about what goes on.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { failing, findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until, visit } from "./stoa.mjs";
import { ask, deployed, done, joined, settled, setUp, workshop } from "./team.mjs";

const API = "/workspaces/acme";
const SHOP = "/acme/instances/shop";
/** Doesn't answer before `hold` is gone, ends over and over while `broken` is there, and says when it is told to end. */
const APP = `import http.server, os, signal, time

held, broken = (os.path.join(os.environ["STOA_DATA"], name) for name in ("hold", "broken"))

def end(*_):
    with open(os.path.join(os.environ["STOA_DATA"], "goodbyes"), "a") as said:
        said.write("Goodbye\\n")
    os._exit(0)

signal.signal(signal.SIGTERM, end)
while os.path.exists(held):
    time.sleep(0.02)
server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler)
server.timeout = 0.05
while not os.path.exists(broken):
    server.handle_request()
os._exit(1)
`;
const FORM = '[run]\ncommand = ["python3", "app.py"]\nstop_time = "10s"\n';
let stoa, browser, repo, owner, deleter, stopper, restarter, viewer, place, shop;

/** What the application finds beside it, and leaves there. */
const file = (name) => join(stoa.data, "agent/data", shop.id, name);
const put = (name) => writeFile(file(name), "");
const take = (name) => rm(file(name), { force: true });
const goodbyes = async () => (await readFile(file("goodbyes"), "utf8").catch(() => "")).split("\n").length - 1;

const shown = (page, word) => page.getByRole("main").getByText(word, { exact: true }).first().waitFor();
const button = (page, name) => page.getByRole("main").getByRole("button", { name, exact: true });

/** The API refuses it for want of this action alone. */
async function refuses(who, action, method, path, body) {
  const answer = await ask(who.page, method, `${API}${path}`, body);
  assert.deepEqual([answer.status, answer.body.missing], [403, [action]], `${method} ${path}`);
}

/** The work that goes on, once it does. */
const work = (kind) =>
  until(`a ${kind} goes on`, async () => {
    const { job } = await done(owner.page, "GET", `${API}/instances/${shop.id}`);
    return job?.kind === kind && job.status === "running" && job;
  });

before(async () => {
  [stoa, browser, repo] = [await startStoa(), await startBrowser(), await repository("guestbook")];
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  place = await workshop(owner.page);
  await repo.push(place.remote, "Sell on a small scale", { "app.py": APP, "stoa.toml": FORM });
  shop = await deployed(owner.page, place, { name: "shop", stage: "staging" });
  const one = (name, actions) =>
    joined(browser, stoa, owner, name, `${name.split(" ")[0].toLowerCase()}@example.com`, {
      projects: [place.project.id],
      instances: [shop.id],
      actions,
    });
  deleter = await one("Dora Deleter", ["delete_instances"]);
  stopper = await one("Stan Stopper", ["stop_instances"]);
  restarter = await one("Rita Restarter", ["restart_instances"]);
  viewer = await one("Vera Viewer", ["view_projects"]);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("whoever may stop it stops it, which the application hears of first; others are told whom to ask", async () => {
  const { page } = deleter;
  await page.goto(SHOP);
  await button(page, "Why?").click();
  const why = page.getByRole("dialog");
  await why.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Stop" }).click();
  await why.getByText("You don't have the permission Stop. Ask Anna Lindqvist, who owns the workspace.").waitFor();
  await page.keyboard.press("Escape");
  await why.waitFor({ state: "detached" });
  // What one of them isn't allowed isn't there: not one of them off, and another missing.
  for (const name of ["Stop", "Start", "Restart", "Connect as user", "Merge…", "IDE"])
    assert.equal(await button(page, name).count(), 0, name);
  await refuses(deleter, "stop_instances", "POST", "/instances/shop/stop", {});
  await stopper.page.goto(SHOP);
  await button(stopper.page, "Stop").click();
  const dialog = stopper.page.getByRole("dialog", { name: "Stop shop?" });
  await dialog.getByRole("button", { name: "Stop", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await shown(stopper.page, "Stopped");
  await settled(owner.page, shop.id, "stopped");
  assert.equal(await goodbyes(), 1);
  assert.equal(await visit(shop.url), 503);
  // What is stopped isn't stopped once more, and starting it is another action.
  await button(stopper.page, "Why?").waitFor();
  for (const name of ["Stop", "Start", "Restart"]) assert.equal(await button(stopper.page, name).count(), 0, name);
});

test("whoever may restart it starts what is stopped, and restarts it in both ways", async () => {
  await refuses(stopper, "restart_instances", "POST", "/instances/shop/start", {});
  const { page } = restarter;
  await page.goto(SHOP);
  await button(page, "Start").click();
  await shown(page, "Running");
  await settled(owner.page, shop.id);
  await refuses(stopper, "restart_instances", "POST", "/instances/shop/restart", { mode: "soft" });
  await shown(stopper.page, "Running");
  await button(stopper.page, "Stop").waitFor();
  assert.equal(await button(stopper.page, "Restart").count(), 0);
  for (const [number, way] of [
    [2, "Soft restart"],
    [3, "Hard restart"],
  ]) {
    await button(page, "Restart").click();
    await page.getByRole("menuitem", { name: way }).click();
    await until(`it was told to end: ${way}`, async () => (await goodbyes()) === number);
    await settled(owner.page, shop.id);
  }
  assert.equal(await visit(shop.url), 200);
});

test("what couldn't be begun is told below the header, until it is closed or works", async () => {
  const { page } = restarter;
  const header = page.getByRole("main").locator("header");
  const wrong = page.getByRole("main").getByRole("alert");
  const softly = async () => {
    await button(page, "Restart").click();
    await page.getByRole("menuitem", { name: "Soft restart" }).click();
  };
  const there = await failing(page, "**/instances/*/restart", "POST");
  await softly();
  await wrong.getByText("The server answered 503").waitFor();
  assert.equal(await header.getByRole("alert").count(), 0, "it doesn't stand among the buttons");
  await look(page, "instance-refused", { ready: "role=alert" });
  await button(page, "Close what went wrong").click();
  await wrong.waitFor({ state: "detached" });
  await softly();
  await wrong.waitFor();
  await there();
  await softly();
  await wrong.waitFor({ state: "detached" });
  await settled(owner.page, shop.id);
});

test("what one may do to the open instance is found by typing, and is done as by its button", async () => {
  const sought = async ({ page }, text) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search or run a command" }).fill(text);
  };
  const option = ({ page }, name) => page.getByRole("option", { name });
  await sought(restarter, "restart");
  await option(restarter, "Restart (soft)").waitFor();
  await look(restarter.page, "palette-acts", { ready: "role=option" });
  const before = await goodbyes();
  await option(restarter, "Restart (hard)").click();
  await until("it was told to end", async () => (await goodbyes()) === before + 1);
  await settled(owner.page, shop.id);
  await button(restarter.page, "Restart").waitFor();
  // What goes wrong is told where it was asked for, once.
  const there = await failing(restarter.page, "**/instances/*/restart", "POST");
  await sought(restarter, "hard restart");
  await restarter.page.getByRole("option", { name: "Restart (hard)", selected: true }).waitFor();
  await restarter.page.keyboard.press("Enter");
  const wrong = restarter.page.getByRole("dialog", { name: "shop wasn't restarted" });
  await wrong.getByText("The server answered 503").waitFor();
  await look(restarter.page, "palette-wrong", { ready: "role=dialog" });
  await wrong.getByRole("button", { name: "Close" }).first().click();
  await wrong.waitFor({ state: "detached" });
  assert.equal(there.asked, 1);
  await there();
  // Nothing is offered that another action lets do.
  await sought(restarter, "stop");
  await restarter.page.getByText("Nothing of this name that you may see.").waitFor();
  await restarter.page.keyboard.press("Escape");
  await stopper.page.goto(SHOP);
  await button(stopper.page, "Stop").waitFor();
  await sought(stopper, "stop");
  await option(stopper, "Stop").waitFor();
  await stopper.page.keyboard.press("Enter");
  const dialog = stopper.page.getByRole("dialog", { name: "Stop shop?" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  await owner.page.goto(`${SHOP}/logs`);
  await button(owner.page, "Stop").waitFor();
  await sought(owner, "backup");
  await option(owner, "Back up now").click();
  await until("it was backed up", async () => {
    const { items } = await done(owner.page, "GET", `${API}/instances/${shop.id}/backups`);
    return items.length === 1 && items[0].status === "ready";
  });
  await settled(owner.page, shop.id);
});

test("whoever may see projects opens the board and the commits; to others there are none", async () => {
  const { page } = viewer;
  await page.goto("/acme");
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Projects" }).click();
  await page.getByRole("link", { name: "Shop", exact: true }).click();
  const staging = page.getByRole("region", { name: "Staging" });
  await staging.getByRole("article").filter({ hasText: "main" }).waitFor();
  await page.getByRole("link", { name: "Commits" }).click();
  await page.getByText("Sell on a small scale").first().click();
  await page.getByText("stop_time").first().waitFor();
  const other = restarter.page;
  await other.goto("/acme/projects/shop");
  await other.getByRole("heading", { name: "You may not open this" }).waitFor();
  await other.getByText("view_projects", { exact: true }).waitFor();
  await other.getByRole("main").getByText("Anna Lindqvist", { exact: true }).waitFor();
  assert.equal(
    await other.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Projects" }).count(),
    0,
  );
  for (const path of ["/projects", "/projects/shop", "/projects/shop/branches", "/projects/shop/commits"])
    await refuses(restarter, "view_projects", "GET", path);
});

test("what fails again and again is stopped as well as started, on a phone too", async () => {
  await put("broken");
  const { page } = owner;
  await page.goto(SHOP);
  await button(page, "Start").waitFor();
  await page.getByText(/^The application ended/).waitFor();
  await button(page, "Stop").waitFor();
  await look(page, "instance-failed", { ready: "text=/^The application ended/" });
  await page.setViewportSize({ width: 390, height: 844 });
  await button(page, "Stop").waitFor({ state: "detached" });
  await button(page, "More about shop").click();
  await page.getByRole("menuitem", { name: "Stop" }).waitFor();
  await look(page, "instance-failed-menu", { ready: "role=menu" });
  await page.setViewportSize({ width: 1440, height: 900 });
  await stopper.page.goto(SHOP);
  await stopper.page.setViewportSize({ width: 390, height: 844 });
  // Where there is no Start in its place, it stands there itself.
  await button(stopper.page, "Stop").click();
  const dialog = stopper.page.getByRole("dialog", { name: "Stop shop?" });
  await dialog.getByRole("button", { name: "Stop", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await stopper.page.setViewportSize({ width: 1440, height: 900 });
  await shown(stopper.page, "Stopped");
  await settled(page, shop.id, "stopped");
  await take("broken");
});

test("a start and a restart are cancelled where they are told of, by whoever may restart", async () => {
  await put("hold");
  const { page } = restarter;
  await page.goto(SHOP);
  await button(page, "Start").click();
  await work("start");
  const cancel = button(page, "Cancel");
  await cancel.waitFor();
  const header = (word) => page.getByRole("main").locator("header").getByText(word, { exact: true });
  await header("Starting").waitFor();
  await look(page, "instance-starting", { ready: "text=Running work" });
  await stopper.page.goto(SHOP);
  await stopper.page.getByRole("heading", { name: "Running work" }).waitFor();
  assert.equal(await button(stopper.page, "Cancel").count(), 0);
  const isCancelled = async (kind) => {
    await cancel.click();
    await page.getByRole("heading", { name: "Running work" }).waitFor({ state: "detached" });
    const { items } = await done(owner.page, "GET", `${API}/jobs?instance=${shop.id}`);
    assert.deepEqual([items[0].kind, items[0].status], [kind, "cancelled"]);
    await take("hold");
  };
  await isCancelled("start");
  await button(page, "Start").click();
  await settled(owner.page, shop.id);
  await put("hold");
  await button(page, "Restart").click();
  await page.getByRole("menuitem", { name: "Hard restart" }).click();
  await work("restart_hard");
  // Nothing answers now: neither its page nor a list says that it runs.
  await header("Restarting").waitFor();
  assert.equal(await header("Running").count(), 0);
  await look(page, "instance-restarting", { ready: "text=Running work" });
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search or run a command" }).fill("restart");
  const restart = page.getByRole("option", { name: "Restart (hard)" });
  await restart.getByText("Other work on this instance").waitFor();
  assert.equal(await restart.getAttribute("aria-disabled"), "true");
  await look(page, "palette-busy", { ready: "role=option" });
  await page.keyboard.press("Escape");
  await restart.waitFor({ state: "detached" });
  await owner.page.goto("/acme/instances");
  await owner.page.getByRole("row").filter({ hasText: "shop" }).getByText("Restarting", { exact: true }).waitFor();
  await look(owner.page, "instances-restarting", { ready: "text=Restarting" });
  await isCancelled("restart_hard");
  // Its sandbox was ended already: nothing runs, which is told.
  await shown(page, "Stopped");
});

test("stopping cancels what goes on, once it was said", async () => {
  await done(owner.page, "POST", `${API}/instances/shop/start`, {}, 202);
  await settled(owner.page, shop.id);
  await put("hold");
  await done(owner.page, "POST", `${API}/instances/shop/deploy`, {}, 202);
  await work("deploy");
  const { page } = stopper;
  await page.goto(SHOP);
  await button(page, "Stop").click();
  const dialog = page.getByRole("dialog", { name: "Cancel the deployment and stop shop?" });
  await dialog.getByRole("button", { name: "Let it go on" }).waitFor();
  await look(page, "stop-busy", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "Cancel it and stop" }).click();
  await dialog.waitFor({ state: "detached" });
  await shown(page, "Stopped");
  await settled(owner.page, shop.id, "stopped");
  const { items } = await done(owner.page, "GET", `${API}/instances/shop/deployments`);
  assert.equal(items[0].status, "cancelled");
});

test("whoever may delete it does, by its name, and is told what that cancels; others have no way to", async () => {
  await done(owner.page, "POST", `${API}/instances/shop/start`, {}, 202);
  await work("start");
  await refuses(restarter, "delete_instances", "DELETE", "/instances/shop", { confirm: "shop" });
  await restarter.page.goto(SHOP);
  await button(restarter.page, "Why?").waitFor();
  assert.equal(await button(restarter.page, "More about shop").count(), 0);
  const { page } = deleter;
  await page.goto(SHOP);
  await button(page, "More about shop").click();
  await page.getByRole("menuitem", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: "Delete shop?" });
  await dialog.getByText("It cancels the start that goes on.").waitFor();
  await look(page, "delete-busy", { ready: "role=dialog" });
  const last = dialog.getByRole("button", { name: "Delete for good" });
  assert.equal(await last.getAttribute("aria-disabled"), "true");
  await dialog.getByLabel("Type shop to confirm").fill("shop");
  await last.click();
  await page.waitForURL(/\/acme\/instances$/);
  await until(
    "it is gone",
    async () => (await ask(owner.page, "GET", `${API}/instances/${shop.id}`)).status === 404,
    60,
  );
  await page.getByRole("link", { name: "shop", exact: true }).waitFor({ state: "detached" });
});

test("nothing was logged as an error, and axe found nothing", () => {
  for (const one of [owner, deleter, stopper, restarter, viewer]) assert.deepEqual(one.wrong, []);
  assert.deepEqual(findings, []);
});
