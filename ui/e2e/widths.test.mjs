// What a long name, a narrow window or a mistaken key does to a page: nothing is pushed out of sight, nothing that was
// typed is lost, and where the focus is can be seen.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { ask, joined, PASSWORD, setUp } from "./team.mjs";

const W = "/acme";
const LONG = "customer-relations-and-complaints-of-the-northern-region-with-its-archive";
const BRANCH = "feature/what-customers-of-the-northern-region-see-when-their-order-is-late";
let stoa, browser, owner, member, repo, long, short;

async function made(method, path, body) {
  const answer = await ask(owner.page, method, path, body);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const dialog = () => owner.page.getByRole("dialog").last();

async function at(width, page = owner.page) {
  await page.setViewportSize({ width, height: 900 });
  await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
}

const isWider = (page) => page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1);

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("a set-up link that is pasted where its page is open already is taken", async () => {
  const { page } = owner;
  await page.goto("/setup");
  await page.getByText("Open the whole link").waitFor();
  await page.evaluate((hash) => {
    location.hash = hash;
  }, new URL(stoa.setupLink).hash);
  await page.getByLabel("Your name").waitFor();
  assert.equal(await page.evaluate(() => location.hash), "", "its secret is out of the address again");
});

test("a field for a password shows that it has the focus, as every other does", async () => {
  const { page } = owner;
  const ring = (field) =>
    field.evaluate((one) => {
      const box = one.closest(".mantine-PasswordInput-input") ?? one;
      const { outlineStyle, outlineWidth } = getComputedStyle(box);
      return `${outlineStyle} ${outlineWidth}`;
    });
  const [name, password] = [page.getByLabel("Your name"), page.getByLabel("Password", { exact: true })];
  await name.focus();
  assert.equal(await ring(name), "solid 2px");
  await password.focus();
  assert.equal(await ring(password), "solid 2px");
  await setUp(page, stoa.setupLink);
});

test("what was typed into a new workspace isn't lost by Escape", async () => {
  const { page } = owner;
  await page.getByRole("main").getByRole("button", { name: "Create Workspace" }).click();
  await dialog().getByLabel("Name").fill("Acme");
  await page.getByText("Valid and free").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Discard what you typed?" }).waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Discard what you typed?" }).waitFor({ state: "detached" });
  assert.equal(await dialog().getByLabel("Name").inputValue(), "Acme");
  await dialog().getByRole("button", { name: "Create Workspace" }).click();
  await page.waitForURL(/\/acme/);
});

const begins = async () => {
  await owner.page.goto(`${W}/start`);
  const title = owner.page.getByRole("heading", { name: "Put your first application online" });
  await title.waitFor();
  return (await title.boundingBox()).y;
};
let began;

test("first start begins somewhere", async () => {
  began = await begins();
});

test("an instance with a long name and a long branch, beside a short one", async () => {
  const server = await made("POST", "/workspaces/acme/servers", { name: "local", local: true });
  const project = await made("POST", "/workspaces/acme/projects", { name: "Shop" });
  await ask(owner.page, "POST", "/session/confirm", { password: PASSWORD });
  const { token } = await made("POST", "/me/tokens", { name: "laptop" });
  const origin = stoa.origin.replace("http://", `http://any:${token}@`);
  const url = `${origin}/git/acme/${project.slug}.git`;
  await repo.git("push", "--quiet", url, "HEAD:main", `HEAD:refs/heads/${BRANCH}`);
  const make = (name, stage, branch) =>
    made("POST", "/workspaces/acme/instances", { name, project: project.id, server: server.id, stage, branch });
  long = await make(LONG, "staging", BRANCH);
  short = await make("shop-production", "production", "main");
  for (const one of [long, short])
    await until(
      `${one.name} runs`,
      async () => (await made("GET", `/workspaces/acme/instances/${one.slug}`)).status === "running",
      180,
    );
  member = await joined(browser, stoa, owner, "Tess Ferreira", "tess@example.com", {
    actions: ["view_projects", "view_logs"],
    projects: [project.id],
    instances: [long.id],
  });
});

test("first start stands where it stood, however far it has come", async () => {
  assert.equal(await begins(), began);
});

test("on the board the server beside a long name is whole", async () => {
  const { page } = owner;
  await page.goto(`${W}/projects/shop`);
  const server = page.getByRole("region", { name: "Staging" }).getByText("local", { exact: true });
  await server.waitFor();
  assert.equal(await server.evaluate((one) => one.scrollWidth > one.clientWidth), false);
  await look(page, "board-long", { ready: "text=local" });
});

test("a long name takes from itself alone in the last deployments", async () => {
  const { page } = owner;
  await page.goto(W);
  const list = page.getByRole("list", { name: "Last deployments" });
  await list.getByText(LONG).waitFor();
  for (const width of [1440, 1024, 768]) {
    await at(width);
    for (const line of await list.getByRole("listitem").all()) {
      const what = await line.locator("> :nth-child(3)").boundingBox();
      assert.ok(what.width > 100, `the commit has ${what.width} at ${width}`);
    }
  }
  await at(1440);
  await look(page, "overview-long", { ready: "text=Last deployments" });
});

test("the whole of a name that is cut is told on the first hover, and when its link has the focus", async () => {
  const { page } = owner;
  const link = page.getByRole("list", { name: "Last deployments" }).getByRole("link", { name: LONG });
  await page.mouse.move(0, 0);
  await link.hover();
  const told = page.getByRole("tooltip").filter({ hasText: LONG });
  await told.waitFor();
  await page.keyboard.press("Escape");
  await told.waitFor({ state: "detached" });
  await page.mouse.move(0, 0);
  // By the keyboard, as it is for those who have no pointer.
  await link.evaluate((one) => one.focus({ focusVisible: true }));
  await told.waitFor();
});

test("no column of the instances is out of sight, and no header is wider than the page", async () => {
  const { page } = owner;
  await page.goto(`${W}/instances`);
  const table = page.getByRole("table", { name: "Instances" });
  await table.getByText(LONG).waitFor();
  for (const width of [1440, 1100, 1024, 1023, 768, 390]) {
    await at(width);
    for (const cell of await table.getByRole("cell").all()) {
      const { x, width: wide } = await cell.boundingBox();
      assert.ok(x >= 0 && x + wide <= width, `a cell ends at ${x + wide} of ${width}`);
    }
    const panel = await table.evaluate(({ parentElement: all }) => all.scrollWidth <= all.clientWidth + 1);
    assert.ok(panel, `nothing of it is cut off at ${width}`);
  }
  await at(1440);
  const address = table.getByRole("link", { name: /shop-production-acme/ });
  assert.equal(
    await address.locator("span").evaluate((one) => one.scrollWidth > one.clientWidth),
    false,
    "there is room for an address",
  );
  await look(page, "instances-long", { ready: "role=table" });
  await page.goto(`${W}/instances/${long.slug}`);
  await page.getByRole("heading", { name: LONG }).waitFor({ state: "attached" });
  await page
    .getByRole("list", { name: `About ${LONG}` })
    .getByText(BRANCH)
    .waitFor();
  for (const width of [1440, 768, 390]) {
    await at(width);
    assert.equal(await isWider(page), false, `at ${width}`);
  }
  await at(1440);
  await look(page, "instance-long", { ready: `text=${BRANCH}` });
});

test("the tabs of an instance and of a project stay where they are", async () => {
  const { page } = owner;
  const place = async (label, tab) => {
    await page.getByRole("navigation", { name: label }).getByRole("link", { name: tab }).click();
    await page.locator(`nav[aria-label="${label}"] [aria-current="page"]`, { hasText: tab }).waitFor();
    return (await page.getByRole("navigation", { name: label }).boundingBox()).y;
  };
  for (const width of [1440, 390]) {
    await at(width);
    await page.goto(`${W}/instances/${short.slug}`);
    const name = short.name;
    await page.getByRole("navigation", { name }).waitFor();
    const first = await place(name, "Overview");
    for (const tab of ["Logs", "Deployments", "Backups"])
      assert.equal(await place(name, tab), first, `${tab}, ${width}`);
    await page.goto(`${W}/projects/shop`);
    await page.getByRole("navigation", { name: "Shop" }).waitFor();
    const board = await place("Shop", "Board");
    assert.equal(await place("Shop", "Commits"), board, `Commits, ${width}`);
  }
  await at(1440);
});

test("on a phone the header of an instance is Restart, Stop and what is below the dots", async () => {
  const { page } = owner;
  await at(390);
  await page.goto(`${W}/instances/${short.slug}`);
  const head = page.locator("header").filter({ has: page.getByRole("button", { name: "Restart" }) });
  await head.getByRole("button", { name: "Stop" }).waitFor();
  assert.equal(await head.getByRole("button").count(), 3);
  const places = await Promise.all((await head.getByRole("button").all()).map((one) => one.boundingBox()));
  assert.equal(new Set(places.map(({ y }) => y)).size, 1, "they stand in one row");
  await head.getByRole("button", { name: /^More about/ }).click();
  for (const name of ["Deploy", "Merge…", "Who can…"]) await page.getByRole("menuitem", { name }).waitFor();
  await look(page, "instance-menu", { ready: "role=menu" });
  await at(390);
  await page.getByRole("menuitem", { name: "Who can…" }).click();
  await page.getByRole("dialog", { name: /^Who can work with/ }).waitFor();
  await page.keyboard.press("Escape");
  await at(1440);
});

test("a new instance and a token keep what was typed, and what decides is whole on a phone", async () => {
  const { page } = owner;
  await at(390);
  await page.goto(`${W}/instances`);
  await page.getByRole("button", { name: "New instance" }).first().click();
  await dialog().getByLabel("Name").fill("half");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Keep editing" }).click();
  assert.equal(await dialog().getByLabel("Name").inputValue(), "half");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("dialog").first().waitFor({ state: "detached" });
  // Nothing was touched: nothing is asked.
  await page.getByRole("button", { name: "New instance" }).first().click();
  await dialog().getByLabel("Name").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").first().waitFor({ state: "detached" });
  await page.goto(`${W}/settings/tokens`);
  await page.getByRole("button", { name: "Create a token" }).click();
  const create = dialog().getByRole("button", { name: "Create the token" });
  await create.waitFor();
  assert.equal(
    await create.locator(".mantine-Button-label").evaluate((one) => one.scrollWidth > one.clientWidth),
    false,
  );
  await look(page, "token-foot", { ready: "role=dialog" });
  await page.keyboard.press("Escape");
  await at(1440);
});

test("a member is told who can grant what is missing, and takes a request along", async () => {
  const { page } = member;
  await page.goto(`${W}/instances/${long.slug}/ide`);
  await page.getByText("Who can grant it").waitFor();
  await page.getByRole("main").getByText("Anna Lindqvist", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Copy a request" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^Tess Ferreira would like the permission Web IDE for customer-.* in Acme\. .*\/acme\/members$/);
  await look(page, "ide-refused", { ready: "text=Who can grant it" });
  // What isn't allowed isn't in the header, wide or narrow, and Why? says whom to ask.
  const header = page.getByRole("main").locator("header");
  await header.getByRole("button", { name: "Why?" }).click();
  await page.getByRole("dialog").getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Stop" }).click();
  await page
    .getByRole("dialog")
    .getByText("You don't have the permission Stop. Ask Anna Lindqvist, who owns the workspace.")
    .waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await page.getByRole("button", { name: "Stop" }).count(), 0);
  await at(390, page);
  await page.getByRole("button", { name: /^More about/ }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Stop" }).count(), 0);
  await at(1440, page);
  // Main runs somewhere that isn't allowed: nobody says that it doesn't.
  await page.goto(`${W}/projects/shop`);
  const production = page.getByRole("region", { name: "Production" });
  await production.getByText("Nothing that you may see runs here.").waitFor();
});

test("members stand under Settings too, and the sign-in of a browser that was in wears its workspace", async () => {
  const { page } = owner;
  await page.goto(`${W}/settings/members`);
  await page.getByRole("table", { name: "Members" }).getByText("Tess Ferreira").waitFor();
  await look(page, "settings-members", { ready: "role=table" });
  await page.evaluate(() => fetch("/api/v1/session", { method: "DELETE" }));
  await page.goto("/login");
  await page.getByText("Runs on Stoa").waitFor();
  await page
    .getByRole("main")
    .getByText(/^A?Acme$/)
    .waitFor();
  await look(page, "sign-in-known", { ready: "text=Runs on Stoa" });
  await page.goto("/umbra/members");
  await page.getByLabel("E-mail address").waitFor();
  assert.equal(await page.getByText("Runs on Stoa").count(), 0, "of another one nothing is told");
  await page.goto("/login");
  await page.getByLabel("E-mail address").fill("anna@example.com");
  await page.getByRole("link", { name: "Forgot it?" }).click();
  await page.getByRole("heading", { name: /Forgotten password|This installation sends no mail/ }).waitFor();
});

test("nothing was logged as an error, and axe found nothing", () => {
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(member.wrong, []);
  assert.deepEqual(findings, []);
});
