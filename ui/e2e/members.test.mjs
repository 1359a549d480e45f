// The members' list: what a row says of what ends, and that rows are of one height however little room they have.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { startStoa, until } from "./stoa.mjs";
import { done, PASSWORD, permit, setUp, workshop } from "./team.mjs";

const W = "/workspaces/acme";
const DAY = 24 * 3600_000;
const ids = {};
let stoa, browser, owner, project;

const later = (days) => new Date(Date.now() + days * DAY).toISOString();

/** Somebody who comes by a link, made by calls alone. */
async function joins(page, name, email) {
  const { link } = await done(owner.page, "POST", `${W}/invitations`, { email }, 201);
  await done(page, "POST", `/invitations/${link.split("/").at(-1)}/accept`, { name, password: PASSWORD });
  const { items } = await done(owner.page, "GET", `${W}/members?q=${encodeURIComponent(email)}`);
  ids[name] = items[0].id;
}

const grant = (name, profile) => permit(owner.page, ids[name], profile);

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink, { email: "anna.lindqvist-of-the-northern-region@example.com" });
  const made = await workshop(owner.page);
  project = made.project.id;
  const server = made.server.id;
  const { page, context } = await person(browser, stoa.origin);
  await page.goto("/login");
  const all = ["view_projects", "restart_instances", "connect_as_user", "merge_branches", "stop_instances"];
  // Each is somebody of their own.
  for (const [name, email] of [
    ["Bo Ek", "bo@example.com"],
    ["Carl-Philipp Nordenskjöld-Wachtmeister", "carl-philipp.nordenskjold@example.com"],
    ["Dora Lind", "dora@example.com"],
    ["Emil Sjö", "emil@example.com"],
    ["Fia Berg", "fia@example.com"],
  ])
    await context.clearCookies().then(() => joins(page, name, email));
  const preset = "Those who look after the shops of the northern region, by night too";
  await done(owner.page, "POST", `${W}/presets`, { name: preset, actions: ["view_logs", "stop_instances"] }, 201);
  await grant("Bo Ek", { actions: ["view_logs", "stop_instances"], projects: [project] });
  await grant("Carl-Philipp Nordenskjöld-Wachtmeister", {
    actions: [...all, "view_logs", "use_ide"],
    projects: [project],
    servers: [server],
    until: { use_ide: later(3), view_logs: later(4), [project]: later(5), [server]: later(5) },
  });
  await grant("Dora Lind", { actions: all, projects: [project], until: { [project]: later(9) } });
  await grant("Emil Sjö", { actions: ["view_logs"], until: { view_logs: later(2) } });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

const row = (name) => owner.page.getByRole("row").filter({ hasText: name });

test("a row names the first end, and says how many more there are", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  const day = (days) =>
    new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" }).format(Date.now() + days * DAY);
  await row("Carl-Philipp")
    .getByText(`Web IDE until ${day(3)}, and 3 more`)
    .waitFor();
  await row("Dora Lind")
    .getByText(`A project until ${day(9)}`, { exact: true })
    .waitFor();
  await row("Emil Sjö")
    .getByText(`Everything until ${day(2)}`, { exact: true })
    .waitFor();
  const whole = await row("Carl-Philipp")
    .getByTitle(/^Web IDE until .*, and 3 more that end$/)
    .count();
  assert.equal(whole, 1, "where it is cut off, the whole is told");
});

/** The rows of the table, each with its height, once the page is so wide. */
async function rowsAt(width) {
  const { page } = owner;
  await page.setViewportSize({ width, height: 900 });
  await until(`it is drawn ${width} wide`, () => page.evaluate((wanted) => innerWidth === wanted, width));
  await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
  return page.getByRole("table", { name: "Members" }).evaluate((table) =>
    [...table.querySelectorAll("tbody tr")].map((one) => ({
      height: Math.round(one.getBoundingClientRect().height),
      text: one.textContent.slice(0, 20),
    })),
  );
}

/** Cells out of which something stands: what doesn't fit is cut off within its own. */
const over = () =>
  owner.page.getByRole("table", { name: "Members" }).evaluate((table) =>
    [...table.querySelectorAll("tbody td:not([data-cell=choose], [data-cell=acts])")]
      .filter((cell) =>
        [...cell.querySelectorAll("*")].some((one) => {
          const [inner, outer] = [one.getBoundingClientRect(), cell.getBoundingClientRect()];
          return inner.width > 1 && inner.right > outer.right + 1 && !one.closest(".visually-hidden");
        }),
      )
      .map((cell) => cell.textContent),
  );

// Under Settings a second navigation stands beside the list: it is as wide as it is, whatever the page is.
for (const [path, widths] of [
  ["/acme/members", [1024, 1100, 1199, 1200, 1280, 1440]],
  ["/acme/settings/members", [1280, 1366, 1440]],
])
  test(`rows are of one height, however little room ${path} has on a wide page`, async () => {
    const { page } = owner;
    await page.goto(path);
    await row("Fia Berg").waitFor();
    for (const width of widths) {
      const rows = await rowsAt(width);
      assert.equal(rows.length, 6);
      const [{ height }] = rows;
      assert.ok(
        rows.every((one) => one.height === height),
        `${width}: ${JSON.stringify(rows)}`,
      );
      assert.deepEqual(await over(), [], `${width}`);
      const { width: room } = await page.getByRole("columnheader", { name: "May do" }).boundingBox();
      assert.ok(room > 130, `what each may do has ${room} at ${width}`);
      const cut = await page
        .getByRole("table", { name: "Members" })
        .getByText("Restart", { exact: true })
        .evaluateAll((chips) => chips.filter((one) => one.scrollWidth > one.clientWidth).length);
      assert.equal(cut, 0, `a short action is whole at ${width}`);
      if (process.env.E2E_PICTURES)
        await page.screenshot({ path: `${process.env.E2E_PICTURES}/members${path.replaceAll("/", "-")}-${width}.png` });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await look(page, `members-ending${path.replaceAll("/", "-")}`, { ready: "text=and 3 more" });
  });

test("where the list has no room for a table, it stands as cards, on a wide page too", async () => {
  const { page } = owner;
  await page.goto("/acme/settings/members");
  await row("Fia Berg").waitFor();
  for (const width of [1024, 1100, 1200]) {
    await rowsAt(width);
    assert.deepEqual(await over(), [], `${width}`);
    // Below the name, not beside it.
    const [who, what] = await Promise.all(
      ["member", "do"].map((cell) => row("Dora Lind").locator(`[data-cell=${cell}]`).boundingBox()),
    );
    assert.ok(what.y >= who.y + who.height, `${width}`);
    assert.ok(what.x + what.width <= width, `${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("the last owner is told that they can't leave before they are asked", async () => {
  const { page } = owner;
  for (const act of ["Leave the workspace", "Make a plain member"]) {
    await page.goto("/acme/members");
    await page.getByRole("button", { name: "More about Anna Lindqvist" }).click();
    await page.getByRole("menuitem", { name: act }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("You are its last owner. Make another member an owner first.").first().waitFor();
    const decides = dialog.getByRole("button", { name: act.replace(" the workspace", ""), exact: true });
    assert.equal(await decides.isDisabled(), true, act);
  }
});

test("axe found nothing, and nothing was logged as an error", () => {
  assert.deepEqual(findings, []);
  assert.deepEqual(owner.wrong, []);
});
