// What must hold on every screen however long a name is and however narrow the window: nothing runs out of it, nothing
// that was typed is dropped in silence, and the focus is never lost.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { startStoa, until } from "./stoa.mjs";
import { ask, joined, PASSWORD, setUp } from "./team.mjs";

const W = "/acme";
const LONG = "customer_relations_and_complaints_department_of_the_northern_region_archive";
const ADDRESS = `${"a.long.local.part.".repeat(3)}end@${"a-long-label-of-a-domain.".repeat(4)}example`;
let stoa, browser, owner, member;

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  await ask(page, "POST", "/workspaces", { name: "Acme Studio", slug: "acme" });
  for (const name of [LONG, "beta", "Alpha", "gamma", "Delta", "Epsilon"])
    assert.equal((await ask(page, "POST", "/workspaces/acme/projects", { name })).status, 201);
  member = await joined(browser, stoa, owner, "Tess Ferreira", "tess@example.com");
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

const dialog = () => owner.page.getByRole("dialog").last();
const isLost = (page) => page.evaluate(() => document.activeElement === document.body);

test("a dialog begins at its first field, and its cross comes last", async () => {
  const { page } = owner;
  await page.goto(`${W}/members`);
  await page.getByRole("button", { name: "Presets" }).click();
  await dialog().getByRole("button", { name: "New preset" }).waitFor();
  const begins = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  await until("the focus is in it", async () => !(await isLost(page)));
  assert.notEqual(await begins(), "Close");
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
});

test("what isn't an address is told, and not dropped between two that are", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: "Invite Member" }).click();
  await page.getByLabel("E-mail addresses").fill(`iyer@example.com; notanaddress  ${ADDRESS}`);
  await page.getByRole("button", { name: "Invite 3 people" }).click();
  await dialog().getByText("2 invited, 1 not").waitFor();
  await dialog()
    .getByText(/^notanaddress: This isn't an e-mail address/)
    .waitFor();
  // What needs doing comes first, above the links.
  const [failed, made] = await Promise.all([
    dialog()
      .getByText(/^notanaddress:/)
      .boundingBox(),
    dialog()
      .getByText(/\/invitations\//)
      .first()
      .boundingBox(),
  ]);
  assert.ok(failed.y < made.y);
  await look(page, "invited-some", { ready: "text=2 invited, 1 not" });
  await dialog().getByRole("button", { name: "Done" }).click();
});

test("an address as long as it likes breaks in a title, and the cross stays in the dialog", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: `Revoke for ${ADDRESS}` }).click();
  await dialog().getByRole("button", { name: "Revoke", exact: true }).waitFor();
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 844 });
    await until("the cross is within", async () => {
      const [all, cross] = [await dialog().boundingBox(), await dialog().getByLabel("Close").boundingBox()];
      return cross.x + cross.width <= all.x + all.width && cross.x + cross.width <= width;
    });
    assert.equal(await dialog().evaluate((one) => one.scrollWidth > one.clientWidth + 1), false);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await look(page, "revoke-long", { ready: "text=Revoke the invitation" });
  await dialog().getByRole("button", { name: "Cancel" }).click();
});

test("at every width there is the sidebar or the button for it", async () => {
  const { page } = owner;
  for (const width of [767, 768, 1023, 1024, 1025]) {
    await page.setViewportSize({ width, height: 900 });
    const isThere = async () => {
      const bar = await page.getByRole("navigation", { name: "Main" }).isVisible();
      const button = await page.getByRole("button", { name: "Menu", exact: true }).isVisible();
      return bar !== button;
    };
    await until(`one of both at ${width}`, isThere);
  }
  // Between a phone and a wide page it is a drawer, which a page that was chosen closes.
  await page.setViewportSize({ width: 768, height: 1024 });
  await page.getByRole("button", { name: "Menu", exact: true }).click();
  const main = page.getByRole("navigation", { name: "Main" });
  await main.getByRole("link", { name: "Projects" }).click();
  await main.waitFor({ state: "hidden" });
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("a long name fits the lists of a phone, whole, and pills stand in the order of the list", async () => {
  const { page } = owner;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${W}/members`);
  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  await dialog()
    .getByText(/^Resources/)
    .click();
  const field = dialog().getByRole("combobox", { name: "Allowed projects" });
  await field.click();
  const offered = await page.getByRole("option").allTextContents();
  assert.deepEqual(
    offered.map((name) => name.trim()),
    ["Alpha", "beta", LONG, "Delta", "Epsilon", "gamma"],
  );
  // By keys, and the focus goes on where the button that was pressed has gone.
  await page.keyboard.press("Escape");
  await dialog()
    .getByRole("button", { name: /^Select all 6 shown of Allowed projects/ })
    .press("Enter");
  assert.equal(await field.evaluate((one) => one === document.activeElement), true);
  const pills = dialog().getByRole("region", { name: "Resource Access" }).locator(".mantine-Pill-root");
  assert.deepEqual(await pills.allTextContents(), offered);
  await dialog().getByText("Allowed servers").click();
  assert.equal(await dialog().evaluate((one) => one.scrollWidth > one.clientWidth + 1), false);
  for (const box of await pills.all()) {
    const { x, width } = await box.boundingBox();
    assert.ok(x >= 0 && x + width <= 390, "it stays in the window");
    assert.equal(
      await box.locator(".mantine-Pill-label").evaluate((name) => name.scrollWidth > name.clientWidth + 1),
      false,
      "nothing of it is cut",
    );
  }
  const widest = await pills.nth(2).boundingBox();
  assert.ok(widest.width > 250, `it has the room that there is, not ${widest.width}`);
  // Short ones stand side by side, on wide pages too.
  for (const width of [390, 1440]) {
    await page.setViewportSize({ width, height: 844 });
    await until("two in a row", async () => {
      const [first, second] = [await pills.nth(0).boundingBox(), await pills.nth(1).boundingBox()];
      return first && second && first.y === second.y;
    });
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await look(page, "permissions-long", { ready: "[role=dialog]" });
  await dialog().getByRole("button", { name: "Select none of Allowed projects" }).press("Enter");
  assert.equal(await field.evaluate((one) => one === document.activeElement), true);
  await dialog().getByRole("button", { name: "Close" }).last().click();
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("many changes stand in whole rows in the foot of a phone, and the rest opens", async () => {
  const { page } = owner;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${W}/members`);
  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  await dialog().getByRole("switch").first().waitFor();
  await dialog().getByRole("button", { name: "Preset" }).click();
  await page.getByRole("menuitem", { name: /^Developer/ }).click();
  const more = dialog().getByRole("button", { name: /^and \d+ more$/ });
  await more.waitFor();
  const { y, height } = await more.boundingBox();
  const save = await dialog()
    .getByRole("button", { name: /^Save \d+ changes$/ })
    .boundingBox();
  assert.ok(y + height <= save.y, "it isn't cut by what stands below it");
  await look(page, "permissions-foot", { ready: "[role=dialog]" });
  await more.click();
  await page.getByRole("region", { name: "Each of them" }).waitFor();
  await page.keyboard.press("Escape");
  await dialog()
    .getByRole("button", { name: /^Save \d+ changes$/ })
    .click();
  await dialog().waitFor({ state: "detached" });
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("everything is taken away from several, and what that is stands there before", async () => {
  const { page } = owner;
  await page.goto(`${W}/members`);
  const row = page.getByRole("row", { name: /Tess Ferreira/ });
  const before = await row.boundingBox();
  await page.getByRole("checkbox", { name: "Choose Tess Ferreira" }).click();
  await page.getByText(/^1 of \d+ members chosen/).waitFor();
  assert.deepEqual(await row.boundingBox(), before, "choosing moves nothing");
  await look(page, "members-one-chosen", { ready: "text=chosen" });
  await page.getByRole("button", { name: "Set permissions for 1 member" }).click();
  await dialog().getByText("Nothing is chosen yet").waitFor();
  await dialog().getByRole("button", { name: "Take everything away" }).click();
  await dialog().getByText("Takes everything away").waitFor();
  await look(page, "permissions-several-none", { ready: "text=Takes everything away" });
  await dialog()
    .getByRole("button", { name: /^Save \d+ changes$/ })
    .click();
  await dialog().waitFor({ state: "detached" });
  await page.getByText("No access yet").first().waitFor();
});

test("what is copied from is somebody who has something", async () => {
  const { page } = owner;
  await page.goto(`${W}/members?role=owner`);
  await page.getByText("Anna Lindqvist").first().waitFor();
  assert.equal(await page.getByRole("checkbox").count(), 0, "there is nobody to choose");
  await page.goto(`${W}/members`);
  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  await dialog().getByRole("switch").first().waitFor();
  await dialog().getByRole("button", { name: "Copy from a member" }).click();
  await page.getByText("Nobody else has anything yet").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
});

test("a token that was copied leads back to the button for another one", async () => {
  const { page } = owner;
  await page.goto(`${W}/settings/tokens`);
  await page.getByRole("button", { name: "Create a token" }).click();
  await dialog().getByLabel("Name").fill("laptop");
  await dialog().getByRole("button", { name: "Create the token" }).click();
  const made = page.getByRole("button", { name: "I have copied it" });
  const asks = page.getByRole("heading", { name: "Enter your password" });
  await asks.or(made).first().waitFor();
  if (await asks.isVisible()) {
    await dialog().getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Go on" }).click();
  }
  await made.click();
  await until("the focus is at it", () =>
    page.evaluate(() => document.activeElement?.textContent === "Create a token"),
  );
});

test("after a wrong password the password is what is typed again", async () => {
  const { page } = member;
  await page.evaluate(() => fetch("/api/v1/session", { method: "DELETE" }));
  await page.goto("/login");
  await page.getByLabel("E-mail address").fill("tess@example.com");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("The e-mail address or the password is wrong").waitFor();
  await until("the focus is in the password", () =>
    page.getByLabel("Password", { exact: true }).evaluate((one) => one === document.activeElement),
  );
  await look(page, "sign-in-wrong", { ready: "text=is wrong" });
});

test("nothing was logged as an error, and axe found nothing", () => {
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(member.wrong, []);
  assert.deepEqual(findings, []);
});
