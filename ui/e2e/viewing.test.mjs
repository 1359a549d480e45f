// While an owner views as a member, that tab shows what the member sees and does nothing: no page of another place opens,
// no request leaves it that isn't a question about the workspace, and it ends when there is nobody to view.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { startStoa, until } from "./stoa.mjs";
import { ask, joined, setUp } from "./team.mjs";

let stoa, browser, owner, tess, acme;

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  acme = (await ask(page, "POST", "/workspaces", { name: "Acme Studio", slug: "acme" })).body.id;
  await ask(page, "POST", "/workspaces", { name: "Birch Works", slug: "birch" });
  tess = (await joined(browser, stoa, owner, "Tess Ferreira", "tess@example.com")).id;
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

async function view() {
  const { page } = owner;
  await page.goto("/acme/members");
  await page.getByRole("button", { name: "More about Tess Ferreira" }).click();
  await page.getByRole("menuitem", { name: "View as this member" }).click();
  await page.getByText("as Tess Ferreira sees it").waitFor();
}

const CLOSED = "Closed while you view as a member";

test("no page of another place opens while one views, however it is come to", async () => {
  const { page } = owner;
  await view();
  const asked = [];
  const hear = (request) => {
    const path = new URL(request.url()).pathname;
    if (path.startsWith("/api/"))
      asked.push({ path, method: request.method(), view: request.headers()["stoa-view-as"] });
  };
  page.on("request", hear);
  for (const path of [
    "/",
    "/workspaces",
    "/administration",
    "/administration/accounts",
    "/administration/state",
    "/account",
    "/account/workspaces",
    "/account/email",
    "/birch",
    "/birch/members",
    "/login",
    "/setup",
    "/join",
    "/acme/start",
    "/acme/settings/workspaces",
    "/acme/settings/tokens",
  ]) {
    await page.goto(path);
    await page.getByRole("heading", { name: CLOSED }).waitFor();
    await page.getByText("as Tess Ferreira sees it").waitFor();
    const text = await page.locator("body").textContent();
    assert.ok(!text.includes("Birch Works"), `${path} names another workspace of the owner`);
    assert.equal(await page.getByRole("button", { name: /Create Workspace|Disable/ }).count(), 0, path);
  }
  await look(page, "view-as-elsewhere", { ready: `text=${CLOSED}` });
  assert.deepEqual(findings, []);
  // From within too, without the page being loaded anew.
  await page
    .getByRole("link", { name: /Back to what Tess Ferreira sees/ })
    .or(page.getByRole("link", { name: "Overview" }))
    .first()
    .click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.goto("/acme");
  await page.goto("/administration/accounts");
  await page.getByRole("link", { name: /Back to what Tess Ferreira sees/ }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: CLOSED }).waitFor();
  page.off("request", hear);
  // The stream says whom it is for in its address, and a picture is shown by itself.
  const isOfView = ({ path, view }) =>
    ["/api/v1/me", "/api/v1/session/ways", `/api/v1/workspaces/${acme}/logo`].includes(path) ||
    (path.startsWith("/api/v1/workspaces/acme") && (view === tess || path.endsWith("/events")));
  const wrong = asked.filter((one) => one.method !== "GET" || !isOfView(one));
  assert.deepEqual(wrong, []);
});

test("neither the palette nor the switcher leads out of the view", async () => {
  const { page } = owner;
  await page.goto("/acme");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search or run a command" }).waitFor();
  const words = () => page.getByRole("option").allInnerTexts();
  await until("the palette has its offers", async () => (await words()).length > 0);
  for (const typed of ["", "birch", "works", "account", "admin"]) {
    await page.getByRole("combobox", { name: "Search or run a command" }).fill(typed);
    assert.ok(!/Birch|My workspaces|Account|Administration|Sign out/.test((await words()).join(" ")), typed);
  }
  await page.keyboard.press("Escape");
  assert.ok(
    await page
      .getByRole("navigation", { name: "Main" })
      .getByRole("button", { name: /Acme Studio/ })
      .isDisabled(),
  );
});

test("when the member goes meanwhile, the view ends and says so", async () => {
  const { page } = owner;
  await page.goto("/acme");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  const other = await owner.context.newPage();
  await other.goto("/acme/members");
  const removed = await ask(other, "DELETE", `/workspaces/acme/members/${tess}`);
  assert.ok(removed.status < 300, `the member is removed: ${removed.status}`);
  await other.close();
  await page.getByRole("heading", { name: "The view has ended" }).waitFor();
  await page.getByText("Tess Ferreira isn't a member of Acme Studio any more").waitFor();
  assert.equal(await page.getByText("An owner can invite you again").count(), 0);
  await look(page, "view-as-ended", { ready: "text=The view has ended" });
  assert.deepEqual(findings, []);
  await page.getByRole("button", { name: "Go on as yourself" }).click();
  await page.getByRole("button", { name: "Presets" }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("stoa-view-as")), null);
});

test("a workspace that was deleted in another tab is told as deleted", async () => {
  const { page } = owner;
  await page.goto("/birch/members");
  await page.getByRole("heading", { name: "Members" }).waitFor();
  const other = await owner.context.newPage();
  await other.goto("/birch/settings/danger");
  await other.getByRole("button", { name: "Delete", exact: true }).click();
  await other.getByLabel(/Type birch/).fill("birch");
  await other
    .getByRole("dialog")
    .getByRole("button", { name: /^Delete/ })
    .click();
  await page.getByRole("heading", { name: "Birch Works was deleted" }).waitFor();
  await other.close();
});
