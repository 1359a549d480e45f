// What members may do: profiles with ends, presets, several at once, viewing as a member, and who may. On a workspace
// that has people and instances in it from the start.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look } from "./browser.mjs";
import { crowd } from "./crowd.mjs";
import { until } from "./stoa.mjs";
import { ask } from "./team.mjs";

const W = "/acme";
let stoa, browser, owner, tester, tess, dialog, open, toggle;

before(async () => {
  ({ stoa, browser, owner, tester, tess, dialog, open, toggle } = await crowd());
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

test("the list is read as its end comes into view, and narrowed by the server", async () => {
  const { page } = owner;
  await page.goto(`${W}/members`);
  const rows = page.locator("tbody tr");
  await rows.nth(49).waitFor();
  await look(page, "members", { ready: "tbody tr:nth-child(50)" });
  await page.mouse.move(700, 500);
  await page.mouse.wheel(0, 50_000);
  await rows.nth(71).waitFor();
  await page.getByText("72 members").waitFor();
  await page.mouse.wheel(0, -50_000);
  await page.getByLabel("Find a member").fill("MEMBER-01");
  await until("only those of this address are there", async () => (await rows.count()) === 10);
  await page.getByLabel("Find a member").fill("");
  await page.getByRole("combobox", { name: "Permission" }).click();
  await page.getByRole("option", { name: "Backups" }).click();
  await until("few may do it", async () => (await rows.count()) < 10);
  await page.getByRole("row", { name: /Anna Lindqvist/ }).waitFor();
  await page.getByRole("combobox", { name: "Role" }).click();
  await page.getByRole("option", { name: "Owners" }).click();
  await until("one is an owner", async () => (await rows.count()) === 1);
});

test("whoever has just joined is one click away from the dialog", async () => {
  const { page } = owner;
  await page.goto(`${W}/members`);
  await page.getByLabel("Find a member").fill("tess");
  const row = page.getByRole("row", { name: /Tess Ferreira/ });
  await row.getByText("No access yet").waitFor();
  await row.getByRole("button", { name: "Set permissions" }).click();
  await dialog().getByRole("heading", { name: "Permissions of Tess Ferreira" }).waitFor();
  await page.keyboard.press("Escape");
});

test("a preset, an end, and lists of hundreds chosen by search and keys", async () => {
  const { page } = owner;
  await open();
  await dialog()
    .getByRole("button", { name: /^Preset/ })
    .click();
  await page.getByRole("menuitem", { name: /^Tester/ }).click();
  await dialog().getByRole("button", { name: "Preset: Tester" }).waitFor();
  await toggle("Stop");
  await dialog().getByRole("button", { name: "Preset: Tester, changed" }).waitFor();
  await dialog().getByRole("button", { name: "Set an end of Restart" }).click();
  await page.getByRole("button", { name: "In 30 days" }).click();
  await page.keyboard.press("Escape");
  await dialog()
    .getByRole("button", { name: /^Restart until/ })
    .waitFor();
  await dialog()
    .getByText(/^Restart on .*; the rest never$/)
    .waitFor();
  const field = dialog().getByRole("combobox", { name: "Allowed instances" });
  await field.fill("site-001");
  await dialog()
    .getByRole("button", { name: /^Select all \d+ shown of Allowed instances/ })
    .click();
  const count = Number(
    (
      await dialog()
        .getByText(/^\d+ of 300$/)
        .textContent()
    ).split(" ")[0],
  );
  assert.ok(count > 40 && count < 60, `${count}`);
  // What is chosen stays chosen, whether the search shows it or not; keys choose one more.
  await field.fill("site-003");
  await field.press("ArrowDown");
  await field.press("Enter");
  await dialog()
    .getByText(`${count + 1} of 300`)
    .waitFor();
  await field.press("Enter");
  await dialog().getByText(`${count} of 300`).waitFor();
  await field.press("Escape");
  await dialog().getByRole("button", { name: "Select none of Allowed instances" }).click();
  await field.fill("0001");
  await page.getByRole("option", { name: /0001/ }).click();
  await field.press("Escape");
  await field.fill("");
  await field.press("Escape");
  await dialog().getByRole("button", { name: "Save 7 changes" }).waitFor();
  await look(page, "permissions", { ready: "text=Save 7 changes" });
  await dialog().getByRole("button", { name: "Save 7 changes" }).click();
  await dialog().waitFor({ state: "detached" });
  const row = page.getByRole("row", { name: /Tess Ferreira/ });
  await row.getByText("Tester, changed").waitFor();
  await row.getByText(/^Restart until/).waitFor();
  await row.getByText("1 instance").waitFor();
});

test("what isn't saved is asked about, whichever way the dialog is left", async () => {
  const { page } = owner;
  await page.goto(W);
  await page
    .getByRole("link", { name: /^Members/ })
    .first()
    .click();
  await page.getByLabel("Find a member").fill("tess");
  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  await dialog().getByRole("switch").first().waitFor();
  // Nothing changed, nothing asked.
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  await dialog().getByRole("switch").first().waitFor();
  await toggle("Backups");
  await toggle("Web IDE");
  await dialog().getByRole("button", { name: "Save 2 changes" }).waitFor();
  const ways = {
    "the key": () => page.keyboard.press("Escape"),
    "a click outside": () => page.mouse.click(20, 890),
    "its cross": () => dialog().getByRole("button", { name: "Close" }).click(),
    "View as this member": () => dialog().getByRole("button", { name: "View as this member" }).click(),
    "going back": () => page.goBack(),
  };
  for (const [way, leave] of Object.entries(ways)) {
    await leave();
    await dialog().getByRole("button", { name: "Discard 2 changes" }).waitFor();
    if (way === "the key") await look(page, "permissions-unsaved", { ready: "text=Keep editing" });
    await dialog().getByRole("button", { name: "Keep editing" }).click();
    await dialog().getByRole("button", { name: "Save 2 changes" }).waitFor();
    await page.getByText("Keep editing").waitFor({ state: "detached" });
    assert.match(page.url(), /\/members/, way);
  }
  await page.goBack();
  await dialog().getByRole("button", { name: "Discard 2 changes" }).click();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
});

test("Escape closes what is on top, and nothing below it", async () => {
  const { page } = owner;
  const top = (title) => page.getByRole("heading", { name: title });
  await open();
  await dialog().getByRole("button", { name: "Why?" }).click();
  await top("What may Tess Ferreira do, and why?").waitFor();
  await dialog()
    .getByText(/^Of an action alone/)
    .waitFor();
  await dialog().getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Restart" }).click();
  await dialog()
    .getByRole("combobox", { name: /^Project/ })
    .fill("0001");
  await page.getByRole("option", { name: /0001/ }).click();
  await dialog().getByRole("button", { name: "Who can…" }).click();
  await top("Who can work with").waitFor();
  // What was asked about is asked about still.
  assert.equal(await dialog().getByRole("combobox", { name: "Action" }).inputValue(), "Restart");
  await page.keyboard.press("Escape");
  await top("What may Tess Ferreira do, and why?").waitFor();
  await page.keyboard.press("Escape");
  await top("What may Tess Ferreira do, and why?").waitFor({ state: "detached" });
  await top("Permissions of Tess Ferreira").waitFor();
  await dialog()
    .getByRole("button", { name: /^Preset/ })
    .click();
  await page.getByRole("menuitem", { name: /^Client/ }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("menuitem", { name: /^Client/ }).waitFor({ state: "detached" });
  await toggle("Merge branches");
  await dialog().getByRole("button", { name: "Set an end of Merge branches" }).click();
  // What is over already is refused at once.
  const field = page.getByLabel("Merge branches ends");
  await field.fill("2020-01-01T10:00");
  await page.getByText("This time is over already. Choose a later one.").waitFor();
  await page.keyboard.press("Escape");
  await field.waitFor({ state: "detached" });
  await dialog().getByRole("button", { name: "Save 1 change" }).waitFor();
  await dialog().getByRole("button", { name: "Discard" }).click();
  await dialog().waitFor({ state: "detached" });
});

test("a long difference is whole: switches by name, the rest by a number that opens", async () => {
  const { page } = owner;
  await open();
  await toggle("Merge branches");
  const field = dialog().getByRole("combobox", { name: "Allowed instances" });
  await field.fill("site-002");
  await dialog()
    .getByRole("button", { name: /^Select all \d+ shown of Allowed instances/ })
    .click();
  const count = dialog().getByRole("button", { name: /^Instances: \d+ added$/ });
  const number = Number((await count.textContent()).match(/\d+/)[0]);
  assert.ok(number > 40, `${number}`);
  await dialog()
    .getByRole("button", { name: `Save ${number + 1} changes` })
    .waitFor();
  // The field itself shows that it has the focus.
  const ring = await field.evaluate((input) => {
    const box = input.closest(".mantine-PillsInput-input");
    return getComputedStyle(box).outlineStyle;
  });
  assert.equal(ring, "solid");
  // The search is gone with the focus: the list isn't narrowed by what nobody sees.
  await page.keyboard.press("Tab");
  assert.equal(await field.inputValue(), "");
  await count.click();
  const each = page.getByRole("region", { name: "Each of them" });
  const named = each.getByText(/^site-002/);
  await named.nth(number - 1).waitFor();
  assert.equal(await named.count(), number);
  await look(page, "permissions-many", { ready: "[role=dialog]", wideOnly: true });
  await page.keyboard.press("Escape");
  await each.waitFor({ state: "detached" });
  await dialog().getByRole("button", { name: "Discard" }).click();
});

test("the filters stand in the address, and a reload keeps them", async () => {
  const { page } = owner;
  await page.goto(`${W}/members?q=member-01&role=member`);
  await page.locator("tbody tr").nth(9).waitFor();
  await page.getByLabel("Find a member").fill("member-02");
  await page.waitForURL(/q=member-02/);
  await page.reload();
  await page.getByText("member-020@example.com").waitFor();
  assert.equal(await page.getByLabel("Find a member").inputValue(), "member-02");
  assert.equal(await page.getByRole("combobox", { name: "Role" }).inputValue(), "Members");
  await page
    .getByRole("link", { name: /^Members/ })
    .first()
    .click();
  await until("all are shown", async () => (await page.getByLabel("Find a member").inputValue()) === "");
});

test("who saves second is told who was first and what changed, and keeps their own changes", async () => {
  const { page } = owner;
  await open();
  await toggle("Backups");
  const path = `/workspaces/acme/members/${tess}/permissions`;
  const { body } = await ask(page, "GET", path);
  await ask(page, "PUT", path, { ...body, actions: [...body.actions, "use_ide"] });
  await dialog().getByText("Anna Lindqvist changed these permissions meanwhile.").waitFor();
  await look(page, "permissions-meanwhile", { ready: "text=Keep my changes on top" });
  await dialog().getByRole("button", { name: "Keep my changes on top" }).click();
  assert.equal(await dialog().getByRole("switch", { name: "Web IDE" }).isChecked(), true);
  assert.equal(await dialog().getByRole("switch", { name: "Backups" }).isChecked(), true);
  await dialog().getByRole("button", { name: "Save 1 change" }).click();
  await dialog().waitFor({ state: "detached" });
  const { body: now } = await ask(page, "GET", path);
  assert.ok(now.actions.includes("use_ide") && now.actions.includes("manage_backups"));
});

test("several are set at once, with what changes for whom said before", async () => {
  const { page } = owner;
  await page.goto(`${W}/members`);
  await page.getByLabel("Find a member").fill("member-00");
  await page.getByRole("checkbox", { name: /^Choose all 10 shown/ }).click();
  await page.getByText("10 members chosen").waitFor();
  await page
    .getByRole("checkbox", { name: /^Choose / })
    .nth(1)
    .click();
  await look(page, "members-chosen", { ready: "text=/9 of 10 (members )?chosen/" });
  // One thing to do in one view.
  assert.equal(await page.locator("button[data-variant=filled]").count(), 1);
  await page.getByRole("button", { name: "Set permissions for 9 members" }).click();
  // An empty form isn't a wish to take everything away.
  await dialog().getByText("Nothing is chosen yet").waitFor();
  // A button that is off is reached by keyboard, and says why.
  const save = dialog().getByRole("button", { name: "Save", exact: true });
  assert.equal(await save.isDisabled(), true);
  await dialog().getByRole("button", { name: "Close" }).last().focus();
  await page.keyboard.press("Tab");
  await page.getByRole("tooltip").getByText("Choose something first").waitFor();
  await look(page, "permissions-off", { ready: "role=tooltip" });
  await dialog()
    .getByRole("button", { name: /^Preset/ })
    .click();
  await page.getByRole("menuitem", { name: /^Client/ }).click();
  const whom = dialog().getByRole("button", { name: "What changes for whom" });
  await whom.waitFor();
  const { y, height } = await whom.boundingBox();
  assert.ok(y + height <= 900, "it is in sight without scrolling");
  await look(page, "permissions-several", { ready: "text=What changes for whom" });
  await whom.click();
  assert.equal(await dialog().getByRole("region", { name: "What changes for whom" }).getByRole("listitem").count(), 9);
  await look(page, "permissions-several-each", { ready: "text=What changes for whom" });
  await page.keyboard.press("Escape");
  await dialog().getByRole("button", { name: "Keep editing" }).click();
  await dialog()
    .getByRole("button", { name: /^Save \d+ changes$/ })
    .click();
  await dialog().waitFor({ state: "detached" });
  await page.getByText(/^The permissions of 9 members are set: \d+ changes\.$/).waitFor();
  await until("the focus is back at the list", () =>
    page.evaluate(() => document.activeElement?.getAttribute("aria-label")?.startsWith("Choose all")),
  );
  await until("they are clients", async () => (await page.getByText("Client", { exact: true }).count()) >= 9);
});

test("presets of its own are made, renamed and deleted", async () => {
  const { page } = owner;
  await page.goto(`${W}/members`);
  await page.getByRole("button", { name: "Presets" }).click();
  await dialog().getByText("Writes the code").waitFor();
  await dialog().getByRole("button", { name: "New preset" }).click();
  await dialog().getByLabel("Name").fill("tester");
  await dialog().getByLabel("Logs").check();
  await dialog().getByRole("button", { name: "Create preset" }).click();
  await dialog().getByText("There is a preset called Tester already.").waitFor();
  await dialog().getByLabel("Name").fill("Night watch");
  await look(page, "preset-new", { ready: "text=Create preset" });
  await dialog().getByRole("button", { name: "Create preset" }).click();
  await dialog().getByText("This workspace's own").waitFor();
  await look(page, "presets", { ready: "text=Night watch" });
  await dialog().getByRole("button", { name: "Change Night watch" }).click();
  await dialog().getByLabel("Name").fill("Day watch");
  await dialog().getByRole("button", { name: "Save" }).click();
  await dialog().getByRole("button", { name: "Delete Day watch" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await dialog().getByText("Day watch").waitFor({ state: "detached" });
  await until("the dialog that is open has the focus", () =>
    page.evaluate(() => document.activeElement?.closest("[role=dialog]") !== null),
  );
});

test("an owner views as a member: read-only, marked, in the log, and nothing of it is kept", async () => {
  const { page } = owner;
  await open();
  await dialog().getByRole("button", { name: "View as this member" }).click();
  await page.getByText("Nothing can be changed").waitFor();
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await until("the page has the focus", () => page.evaluate(() => document.activeElement?.id === "main"));
  await look(page, "view-as-overview", { ready: "text=Nothing can be changed" });
  await page.goto(`${W}/instances`);
  await page
    .getByRole("link", { name: /site-001-0001/ })
    .first()
    .waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  await page
    .getByRole("link", { name: /site-001-0001/ })
    .first()
    .click();
  await page.getByRole("heading", { name: /site-001-0001/ }).waitFor();
  // What the member may do stands there, and can't be done.
  await page
    .getByText(/You are viewing as Tess Ferreira/)
    .first()
    .waitFor({ state: "attached" });
  await look(page, "view-as-instance", { ready: "h1" });
  await page.goto(`${W}/instances/site-001-0001/logs`);
  await page.getByText("Closed while you view as a member").waitFor();
  await look(page, "view-as-closed", { ready: "text=Closed while you view" });
  await page.goto(`${W}/members`);
  await page.getByLabel("Find a member").fill("tess");
  await page.getByRole("row", { name: /Tess Ferreira \(you\)/ }).waitFor();
  assert.equal(await page.getByRole("button", { name: /^(Invite|Presets|Permissions of)/ }).count(), 0);
  const other = await owner.context.newPage();
  await other.goto(`${W}/members`);
  await other.getByRole("button", { name: "Presets" }).waitFor();
  await other.close();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("button", { name: "Presets" }).waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("stoa-view-as")), null);
  const { body } = await ask(page, "GET", "/workspaces/acme/audit?action=member.view_as");
  assert.equal(body.items[0].resource_name, "Tess Ferreira");
  assert.equal(body.items.length, 1);
});

test("who can, on the page of a thing, and from Why?", async () => {
  const { page } = owner;
  await page.goto(`${W}/instances/site-001-0001`);
  await page.getByRole("button", { name: "More about site-001-0001" }).click();
  await page.getByRole("menuitem", { name: "Who can…" }).click();
  await dialog().getByText("Tess Ferreira").waitFor();
  await dialog().getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Restart" }).click();
  await dialog()
    .getByText(/^Granted until/)
    .waitFor();
  await look(page, "who", { ready: "text=/^Granted until/" });
  await page.keyboard.press("Escape");
  await open();
  await dialog().getByRole("button", { name: "Why?" }).click();
  await dialog().getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Restart" }).click();
  await dialog()
    .getByRole("combobox", { name: /^Project/ })
    .fill("0001");
  await page.getByRole("option", { name: /0001/ }).click();
  await dialog()
    .getByText(/It ends on/)
    .waitFor();
  await dialog().getByRole("button", { name: "Who can…" }).click();
  await dialog().getByText("Tess Ferreira").waitFor();
  // One upon the other, and each gives the focus back to what opened it.
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  for (const [title, opener] of [
    ["Who can work with", "Who can…"],
    ["What may Tess Ferreira do, and why?", "Why?"],
  ]) {
    await dialog().getByRole("button", { name: "Close" }).last().click();
    await page.getByRole("heading", { name: title }).waitFor({ state: "detached" });
    await until(`the focus is on ${opener}`, async () => (await focused()) === opener);
  }
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Presets" }).click();
  await dialog().getByRole("button", { name: "New preset" }).click();
  await dialog().getByRole("button", { name: "Create preset" }).waitFor();
  await dialog().getByRole("button", { name: "Cancel" }).click();
  await until("the focus is on New preset", async () => (await focused()) === "New preset");
  await dialog().getByRole("button", { name: "Close" }).last().click();
  await until("the focus is on Presets", async () => (await focused()) === "Presets");
});

test("Why? is about the page that it was asked on, and goes with it", async () => {
  const { page } = tester;
  await page.goto(`${W}/instances`);
  await page
    .getByRole("link", { name: /site-001-0001/ })
    .first()
    .click();
  await page.getByRole("main").getByRole("button", { name: "Why?" }).first().click();
  const why = page.getByRole("heading", { name: "What may you do, and why?" });
  await why.waitFor();
  await page.goBack();
  await page.getByRole("heading", { name: "Instances" }).waitFor();
  await why.waitFor({ state: "detached" });
});

test("a link to what others may do leads a member to the list", async () => {
  const { page } = tester;
  await page.goto(`${W}/members?action=view_logs&q=tess`);
  await page.getByRole("row", { name: /Tess Ferreira \(you\)/ }).waitFor();
  assert.equal(await page.getByText("Only owners may").count(), 0);
});

test("a grant that ends leaves the member's open page by itself", async () => {
  const { page } = tester;
  await page.goto(`${W}/instances`);
  await page
    .getByRole("link", { name: /site-001-0001/ })
    .first()
    .waitFor();
  await look(page, "instances-member", { ready: "h1" });
  const path = `/workspaces/acme/members/${tess}/permissions`;
  const { body } = await ask(owner.page, "GET", path);
  const [instance] = body.instances;
  const soon = new Date(Date.now() + 2500).toISOString();
  const set = await ask(owner.page, "PUT", path, { ...body, until: { ...body.until, [instance]: soon } });
  assert.equal(set.status, 200);
  await page
    .getByRole("link", { name: /site-001-0001/ })
    .first()
    .waitFor({ state: "detached" });
  assert.ok(Date.now() >= Date.parse(soon), "not before its end");
  await owner.page.goto(`${W}/members`);
  await page.goto(`${W}/members`);
  await page.getByLabel("Find a member").fill("tess");
  await page.getByRole("row", { name: /Tess Ferreira \(you\)/ }).waitFor();
  await look(page, "members-member", { ready: "tbody tr" });
});

test("who becomes an owner, or goes, while their permissions are open has none to set", async () => {
  const { page } = owner;
  const other = await owner.context.newPage();
  await other.goto(`${W}/members`);
  const gone = async (says) => {
    await dialog().getByText(says).waitFor();
    assert.equal(
      await dialog()
        .getByRole("button", { name: /^Save|Why|View as/ })
        .count(),
      0,
    );
  };
  const path = `/workspaces/acme/members/${tess}`;
  await open();
  await toggle("Restart");
  assert.equal((await ask(other, "PATCH", path, { role: "owner" })).status, 200);
  await gone("Tess Ferreira is an owner now");
  await look(page, "permissions-of-an-owner", { ready: "text=is an owner now" });
  await dialog().getByRole("button", { name: "Close" }).last().click();
  await dialog().waitFor({ state: "detached" });
  assert.equal((await ask(other, "PATCH", path, { role: "member" })).status, 200);
  await open();
  await toggle("Restart");
  assert.ok((await ask(other, "DELETE", path)).status < 300);
  await gone("Tess Ferreira isn't a member of Acme Studio any more");
  await dialog().getByRole("button", { name: "Close" }).last().click();
  await other.close();
});

test("nothing was logged as an error, and axe found nothing in both schemes and both widths", () => {
  const away = (text) => !/ERR_CONNECTION|ERR_INCOMPLETE|ERR_NETWORK|status of 50/.test(text);
  assert.deepEqual(owner.wrong.filter(away), []);
  assert.deepEqual(tester.wrong.filter(away), []);
  assert.deepEqual(findings, []);
});
