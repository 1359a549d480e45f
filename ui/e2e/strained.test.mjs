// What names as long as they may be do to pages and dialogs, and what members who go, and a server that does, leave of
// what is open.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { startStoa, until } from "./stoa.mjs";
import { done, joined, PASSWORD, permit, setUp, workshop } from "./team.mjs";

const W = "/workspaces/acme";
const LONG = "W".repeat(60);
const ids = {};
let stoa, browser, owner, bo;

/** Somebody who comes by a link, made by calls alone. */
async function joins(page, name, email) {
  const { link } = await done(owner.page, "POST", `${W}/invitations`, { email }, 201);
  await done(page, "POST", `/invitations/${link.split("/").at(-1)}/accept`, { name, password: PASSWORD });
  const { items } = await done(owner.page, "GET", `${W}/members?q=${encodeURIComponent(email)}`);
  ids[name] = items[0].id;
}

const dialog = () => owner.page.getByRole("dialog").last();
const drawn = (page) =>
  page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));

/** What can be pressed and stands out of the page, or of the dialog that it is in, at the right; or how much too wide it is. */
const outside = (page) =>
  page.evaluate(() => {
    const wider = document.documentElement.scrollWidth - innerWidth;
    const open = [...document.querySelectorAll("[role=dialog]")].at(-1);
    const edge = open?.getBoundingClientRect().right ?? innerWidth;
    // A strip that is scrolled sideways is as wide as it is.
    const isInStrip = (one) =>
      one !== null && (/auto|scroll/.test(getComputedStyle(one).overflowX) || isInStrip(one.parentElement));
    const out = [...(open ?? document.body).querySelectorAll("button, a[href], input")].filter((one) => {
      const { right, width, height } = one.getBoundingClientRect();
      const isSeen = width > 1 && height > 1 && getComputedStyle(one).visibility === "visible";
      return isSeen && right > edge + 1 && !isInStrip(one);
    });
    const told = out.map((one) => (one.ariaLabel ?? one.textContent).slice(0, 40));
    return [...(wider > 1 ? [`${wider} px too wide`] : []), ...told];
  });

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const { project, server } = await workshop(owner.page, { server: "Guestbook", project: "Guestbook" });
  Object.assign(ids, { project: project.id, server: server.id });
  bo = await joined(browser, stoa, owner, "Bo Ek", "bo@example.com");
  const { page, context } = await person(browser, stoa.origin);
  await page.goto("/login");
  for (const [name, email] of [
    ["Carla Nyberg", "carla@example.com"],
    ["Dora Lind", "dora@example.com"],
    [LONG, `${"w".repeat(50)}@example.com`],
  ])
    await context.clearCookies().then(() => joins(page, name, email));
  await permit(owner.page, ids["Dora Lind"], { actions: ["view_logs"] });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

test("what would be granted is told with its kind where names are the same", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  await page.getByRole("button", { name: "Permissions of Carla Nyberg" }).click();
  for (const list of ["Allowed projects", "Allowed servers"])
    await dialog()
      .getByRole("button", { name: new RegExp(`^Select all 1 shown of ${list}`) })
      .click();
  await dialog().getByText("Guestbook (project)").waitFor();
  await dialog().getByText("Guestbook (server)").waitFor();
  await dialog().getByRole("button", { name: "Save 2 changes" }).click();
  await dialog().waitFor({ state: "detached" });
});

test("actions on nothing are marked as no access, and an address stands whole beside what is said of it", async () => {
  const { page } = owner;
  const row = page.getByRole("row").filter({ hasText: "Dora Lind" });
  await row.getByText(": no access yet").waitFor({ state: "attached" });
  const isCut = await row
    .getByText("dora@example.com")
    .evaluate((mail) => mail.scrollWidth > mail.clientWidth && mail.textContent);
  assert.equal(isCut, false);
  // Of a name that is cut the whole is told while something in its row has the focus.
  await page.getByLabel(`Choose ${LONG}`).press("Tab");
  await page.getByRole("tooltip").filter({ hasText: LONG }).waitFor();
  await page.keyboard.press("Escape");
  await look(page, "strained-members", { ready: "text=Dora Lind" });
});

test("who goes while they are chosen is named and left out, and the others are saved", async () => {
  const { page } = owner;
  for (const name of ["Bo Ek", "Carla Nyberg", "Dora Lind"]) await page.getByLabel(`Choose ${name}`).check();
  await page.getByRole("button", { name: "Set permissions for 3 members" }).click();
  await dialog().getByRole("heading", { name: "Permissions of 3 members" }).waitFor();
  await dialog().getByLabel("Logs", { exact: true }).press("Space");
  await done(page, "DELETE", `${W}/members/${ids["Carla Nyberg"]}`);
  await dialog().getByText("Carla Nyberg isn't a plain member here any more").waitFor();
  await dialog().getByRole("heading", { name: "Permissions of 2 members" }).waitFor();
  await look(page, "strained-several", { ready: "text=Carla Nyberg isn't a plain member" });
  await dialog().getByRole("button", { name: /^Save/ }).click();
  await dialog().waitFor({ state: "detached" });
  await page.getByText("The permissions of 2 members are set").waitFor();
});

test("also where nothing was heard of it: the server's refusal names them", async () => {
  const { page } = owner;
  await page.route("**/api/v1/workspaces/acme/events*", (route) => route.abort());
  await page.reload();
  for (const name of ["Bo Ek", "Dora Lind"]) await page.getByLabel(`Choose ${name}`).check();
  await page.getByRole("button", { name: "Set permissions for 2 members" }).click();
  await dialog().getByRole("button", { name: "Take everything away" }).click();
  await done(page, "DELETE", `${W}/members/${ids["Dora Lind"]}`);
  await dialog().getByRole("button", { name: /^Save/ }).click();
  await dialog().getByText("Dora Lind isn't a plain member here any more").waitFor();
  await dialog().getByRole("button", { name: /^Save/ }).click();
  await page.getByText("The permissions of one member are set").waitFor();
});

test("that nothing is heard of the server is told, and no more once it is", async () => {
  const { page } = owner;
  const line = page.getByText("Connection lost, trying again.");
  await line.waitFor();
  await look(page, "strained-lost", { ready: "text=Connection lost" });
  await page.unroute("**/api/v1/workspaces/acme/events*");
  await line.waitFor({ state: "detached", timeout: 60_000 });
});

test("names as long as they may be push nothing out of a page", async () => {
  const { page } = owner;
  await done(page, "PATCH", W, { name: LONG });
  await done(page, "PATCH", `${W}/projects/${ids.project}`, { name: LONG });
  await done(page, "PATCH", `${W}/servers/${ids.server}`, { name: LONG });
  await done(page, "POST", `${W}/presets`, { name: LONG, actions: ["view_logs"] }, 201);
  const told = [];
  for (const path of [
    "",
    "/projects",
    "/projects/guestbook",
    "/projects/guestbook/settings",
    "/instances",
    "/servers",
    "/servers/guestbook",
    "/members",
    "/activity",
    "/settings/general",
    "/settings/members",
    "/settings/workspaces",
    "/settings/appearance",
    "/settings/danger",
    "/settings/backups",
    "/settings/ai",
  ])
    for (const width of [390, 768, 1100, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      if (width === 390) {
        await page.goto(`/acme${path}`);
        await page.getByRole("main").getByRole("heading", { level: 1 }).waitFor({ state: "attached" });
        await until("nothing loads", async () => (await page.getByLabel("Loading").count()) === 0);
      }
      await drawn(page);
      for (const one of await outside(page)) told.push(`${path || "/"} at ${width}: ${one}`);
    }
  assert.deepEqual(told, []);
});

test("nor out of a dialog or a menu", async () => {
  const { page } = owner;
  const told = [];
  const at = async (what) => {
    await drawn(page);
    for (const one of await outside(page)) told.push(`${what}: ${one}`);
  };
  for (const width of [390, 768, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto("/acme/members");
    await page.getByRole("button", { name: "Presets" }).click();
    await dialog()
      .getByRole("button", { name: `Change ${LONG}` })
      .waitFor();
    await at(`presets at ${width}`);
    await dialog()
      .getByRole("button", { name: `Delete ${LONG}` })
      .click();
    await page.getByText("Members who were given it keep what they have.").waitFor();
    await at(`the preset goes, at ${width}`);
    await page.keyboard.press("Escape");
    await page.goto("/acme/members");
    await page.getByRole("button", { name: "Permissions of Bo Ek" }).click();
    await dialog().getByRole("button", { name: "Preset", exact: true }).click();
    await page.getByRole("menuitem", { name: LONG }).click();
    await dialog()
      .getByRole("button", { name: new RegExp(`${LONG}$`) })
      .waitFor();
    await at(`permissions at ${width}`);
    const { width: wide } = await dialog()
      .getByRole("button", { name: new RegExp(`${LONG}$`) })
      .boundingBox();
    assert.ok(wide < 330, `a preset's button is ${wide} wide at ${width}`);
  }
  assert.deepEqual(told, []);
});

test("the workspace's name gives way before what is open", async () => {
  const { page } = owner;
  await page.setViewportSize({ width: 768, height: 900 });
  await page.goto("/acme/settings/appearance");
  const isCut = await page
    .getByLabel("Breadcrumbs")
    .getByText("Appearance")
    .evaluate((one) => one.scrollWidth > one.clientWidth);
  assert.equal(isCut, false);
  await page.setViewportSize({ width: 1440, height: 900 });
  await done(page, "PATCH", W, { name: "Acme" });
});

test("what was chosen in the switcher, or taken in a dialog, leaves the focus where one goes on", async () => {
  const { page } = owner;
  await done(page, "POST", "/workspaces", { name: "Birch" }, 201);
  await page.goto("/acme");
  await page.getByRole("button", { name: /change the workspace/ }).click();
  await page.getByRole("option", { name: "Birch" }).click();
  await page
    .getByRole("heading", { name: "Overview" })
    .or(page.getByRole("main").getByRole("heading"))
    .first()
    .waitFor();
  await page.waitForURL(/\/birch/);
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName);
  await until("the focus is in the page", async () => (await focused()) === "main");
  await page.getByRole("button", { name: /change the workspace/ }).click();
  await page.getByRole("button", { name: "Create Workspace" }).last().click();
  await dialog().getByLabel("Name").fill("Acme");
  await dialog()
    .getByRole("button", { name: /^Take / })
    .press("Enter");
  assert.equal(
    await dialog()
      .getByLabel("Slug")
      .evaluate((one) => one === document.activeElement),
    true,
  );
});

test("leaving a view begins at the page", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  await page.getByRole("button", { name: "More about Bo Ek" }).click();
  await page.getByRole("menuitem", { name: "View as this member" }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("heading", { name: "Members", exact: true }).waitFor();
  await until("the focus is in the page", () => page.evaluate(() => document.activeElement?.id === "main"));
});

test("while it isn't known who this is, something stands there that isn't blank", async () => {
  const { page } = owner;
  // What is held goes on when it isn't held any more.
  await page.route("**/api/v1/me", () => {});
  await page.goto("/acme/members");
  await page.getByRole("main").getByLabel("Loading").first().waitFor();
  await page.unroute("**/api/v1/me");
  await page.getByRole("heading", { name: "Members", exact: true }).waitFor();
});

test("an empty form of an invitation leads to its first field", async () => {
  const { link } = await done(owner.page, "POST", `${W}/invitations`, { email: "emil@example.com" }, 201);
  const { page } = await person(browser, stoa.origin);
  await page.goto(link);
  await page.getByLabel("Your name").waitFor();
  await page.getByRole("button", { name: "Create account and join" }).press("Enter");
  await until("its first field has the focus", () =>
    page.getByLabel("Your name").evaluate((one) => one === document.activeElement),
  );
});

test("whoever leaves a workspace is told that they left, and nothing of a misfortune", async () => {
  const { page } = bo;
  await page.goto("/acme/settings/workspaces");
  await page.getByRole("button", { name: "More about Acme" }).click();
  await page.getByRole("menuitem", { name: "Leave" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await page.getByText("You left Acme").waitFor();
  await page.waitForURL(/\/workspaces$/);
  assert.equal(await page.getByText("isn't open to you any more").count(), 0);
});

test("nothing was logged as an error, and axe finds nothing", () => {
  assert.deepEqual(
    [...owner.wrong, ...bo.wrong].filter((one) => !/ERR_FAILED/.test(one)),
    [],
  );
  assert.deepEqual(findings, []);
});
