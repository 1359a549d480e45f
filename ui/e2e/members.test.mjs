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

test("rows are of one height, however little room a wide page has", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  await row("Fia Berg").waitFor();
  for (const width of [1024, 1100, 1199, 1200, 1280, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    await until(`it is drawn ${width} wide`, () => page.evaluate((wanted) => innerWidth === wanted, width));
    await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
    const rows = await page.getByRole("table", { name: "Members" }).evaluate((table) =>
      [...table.querySelectorAll("tbody tr")].map((one) => ({
        height: Math.round(one.getBoundingClientRect().height),
        text: one.textContent.slice(0, 20),
      })),
    );
    assert.equal(rows.length, 6);
    const [{ height }] = rows;
    assert.ok(
      rows.every((one) => one.height === height),
      `${width}: ${JSON.stringify(rows)}`,
    );
    // What doesn't fit is cut off within its own cell.
    const over = await page.getByRole("table", { name: "Members" }).evaluate((table) =>
      [...table.querySelectorAll("tbody td:not([data-cell=choose])")]
        .filter((cell) =>
          [...cell.querySelectorAll("*")].some((one) => {
            const [inner, outer] = [one.getBoundingClientRect(), cell.getBoundingClientRect()];
            return inner.width > 1 && inner.right > outer.right + 1 && !one.closest(".visually-hidden");
          }),
        )
        .map((cell) => cell.textContent),
    );
    assert.deepEqual(over, [], `${width}`);
    if (process.env.E2E_PICTURES) await page.screenshot({ path: `${process.env.E2E_PICTURES}/members-${width}.png` });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await look(page, "members-ending", { ready: "text=and 3 more" });
});

test("axe found nothing, and nothing was logged as an error", () => {
  assert.deepEqual(findings, []);
  assert.deepEqual(owner.wrong, []);
});
