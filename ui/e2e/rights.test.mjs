// What a page asks when rights are taken away while it is open: nothing that can only be refused, which would stand in
// the log as if somebody had tried. And what it shows once they are back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings } from "./browser.mjs";
import { crowd } from "./crowd.mjs";
import { until } from "./stoa.mjs";
import { done, permit } from "./team.mjs";

const W = "/workspaces/acme";
const ACTIONS = ["view_projects", "restart_instances", "connect_as_user", "merge_branches", "stop_instances"].concat([
  "delete_instances",
  "manage_backups",
  "view_logs",
  "use_ide",
  "manage_settings",
]);
let stoa, browser, owner, tester, tess, instance, all;

before(async () => {
  ({ stoa, browser, owner, tester, tess } = await crowd());
  instance = await done(owner.page, "GET", `${W}/instances/site-001-0001`);
  const things = { projects: [instance.project.id], instances: [instance.id], servers: [instance.server.id] };
  all = { actions: ACTIONS, ...things };
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

/** What was refused to Tess so far, and what it was. */
async function refusals() {
  const { items } = await done(owner.page, "GET", `${W}/audit?outcome=refused&limit=200`);
  return items.flatMap(({ action, repeated, actor_name: name }) =>
    name === "Tess Ferreira" ? Array(repeated).fill(action) : [],
  );
}

/** Nothing is on its way, and nothing is asked for a while. */
async function settled(page) {
  let last = -1;
  await until("the page asks nothing any more", async () => {
    const now = tester.asked.length;
    const isStill = now === last;
    last = now;
    if (!isStill) await page.waitForTimeout(400);
    return isStill;
  });
}

const heading = (name) => tester.page.getByRole("heading", { name });
const NOTHING = "There is nothing here";
const closed = (what) => `You may not ${what}`;

for (const [address, shown, withoutActions, withoutThings] of [
  ["/acme/instances/site-001-0001", "site-001-0001", "Deployments aren't shown to you", NOTHING],
  ["/acme/instances/site-001-0001/logs", "site-001-0001", closed("read logs here"), NOTHING],
  ["/acme/instances/site-001-0001/deployments", "site-001-0001", closed("see deployments here"), NOTHING],
  ["/acme/instances/site-001-0001/backups", "site-001-0001", closed("see backups here"), NOTHING],
  ["/acme/instances/site-001-0001/settings", "site-001-0001", closed("see the settings here"), NOTHING],
  ["/acme/projects", "Projects", closed("open this"), closed("open this")],
  ["/acme/servers/local", "local", "local", NOTHING],
  ["/acme", "Overview", "Overview", "Nothing is shared with you yet"],
])
  test(`nothing is refused that the page asks by itself: ${address}`, async () => {
    const { page } = tester;
    await permit(owner.page, tess, all);
    await page.goto(address);
    await heading(shown).first().waitFor();
    await settled(page);
    const before = await refusals();
    await permit(owner.page, tess, { ...all, actions: [] });
    await page.getByText(withoutActions).first().waitFor();
    await settled(page);
    assert.deepEqual(await refusals(), before, "the actions were taken away");
    await permit(owner.page, tess, all);
    await heading(shown).first().waitFor();
    await heading(closed("")).waitFor({ state: "detached" });
    await settled(page);
    await permit(owner.page, tess, {});
    await page.getByText(withoutThings).first().waitFor();
    await settled(page);
    // Others' work goes on meanwhile.
    await done(owner.page, "PATCH", `${W}/instances/${instance.id}`, { name: instance.name });
    await settled(page);
    assert.deepEqual(await refusals(), before, "the things were taken away too");
    await permit(owner.page, tess, all);
    await heading(shown).first().waitFor();
    await settled(page);
    assert.deepEqual(await refusals(), before, "all is back");
  });

test("nothing was logged as an error, and axe found nothing", () => {
  assert.deepEqual(tester.wrong, []);
  assert.deepEqual(findings, []);
});
