// How a workspace looks, and what was done in it: logo, colour, the audit log; as its owner and as a member.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { spawned, startStoa, tree, until } from "./stoa.mjs";
import { ask, joinAs, setUp } from "./team.mjs";

const A = "/acme/settings/appearance";
let stoa, browser, owner, member, files;

const MARK = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="14" fill="#1d2142"/>
<path d="M32 13 48 51H40L32 30 24 51H16Z" fill="#fff"/><circle cx="32" cy="45" r="4.5" fill="#f0b429"/></svg>`;

before(async () => {
  files = await mkdtemp(join(tmpdir(), "stoa-e2e-logos-"));
  stoa = await startStoa();
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink, { name: "Jonna Lindqvist", email: "lindqvist@acme.example" });
  await ask(page, "POST", "/workspaces", { name: "Acme Studio", slug: "acme" });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await rm(files, { recursive: true, force: true });
});

/** A picture of one colour, made by the browser itself. */
async function drawn(page, name, width, height, type = "image/png") {
  const base64 = await page.evaluate(
    ([width, height, type]) => {
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = height;
      const context = canvas.getContext("2d");
      context.fillStyle = "#c8283c";
      context.fillRect(0, 0, width, height);
      context.fillStyle = "#fff";
      context.fillRect(width / 4, height / 4, width / 2, height / 2);
      return canvas.toDataURL(type).split(",")[1];
    },
    [width, height, type],
  );
  const file = join(files, name);
  await writeFile(file, Buffer.from(base64, "base64"));
  return file;
}

async function upload(page, file) {
  await page.getByLabel("Logo file").setInputFiles(file);
  await page.getByRole("dialog").getByText("Drag the picture").waitFor();
}

const logoUrl = async (page) => (await ask(page, "GET", "/workspaces/acme")).body.logo_url;
const main = (page) => page.getByRole("main");
const focused = (page, name) => page.evaluate((name) => document.activeElement?.textContent === name, name);

/** Saves what waits in the foot, and waits until nothing does. */
async function save(page) {
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Save appearance" }).click();
  await page.getByRole("button", { name: "Save appearance" }).waitFor({ state: "detached" });
}

test("a logo is uploaded, its part is chosen by keys, and it is seen in sidebar, header and tab", async () => {
  const { page } = owner;
  await page.goto(A);
  await page.getByRole("heading", { name: "Appearance" }).waitFor();
  await look(page, "appearance-first", { ready: "text=Hex code" });
  const file = join(files, "mark.svg");
  await writeFile(file, MARK);
  await upload(page, file);
  await page.getByRole("dialog").getByRole("slider", { name: "Zoom" }).focus();
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("ArrowRight");
  await page.getByRole("group", { name: /The part that becomes/ }).focus();
  await page.keyboard.press("ArrowLeft");
  await look(page, "logo-crop", { ready: "text=Use this picture" });
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await logoUrl(page), null, "nothing is sent before it is chosen");
  await upload(page, file);
  await page.getByRole("button", { name: "Use this picture" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until("the focus is at the button", () => focused(page, "Upload"));
  // It waits in the foot: whoever else is here sees nothing of it yet.
  assert.equal(await logoUrl(page), null, "nothing is sent before it is saved");
  assert.equal(await page.getByRole("navigation", { name: "Main" }).locator("img").count(), 0);
  assert.ok((await main(page).getByRole("region", { name: "Preview" }).locator('img[src^="blob:"]').count()) >= 3);
  await look(page, "appearance-logo-waits", { ready: "text=Save appearance" });
  await page.getByRole("button", { name: "Discard" }).click();
  assert.equal(await main(page).locator('img[src^="blob:"]').count(), 0);
  await upload(page, file);
  await page.getByRole("button", { name: "Use this picture" }).click();
  await save(page);
  await until("the focus is somewhere", () => page.evaluate(() => document.activeElement !== document.body));
  const url = await logoUrl(page);
  for (const place of [
    page.getByRole("navigation", { name: "Main" }),
    page.getByRole("navigation", { name: "Breadcrumbs" }),
  ])
    await place.locator(`img[src="${url}"]`).waitFor();
  await until("the tab has it", async () => (await page.locator('link[rel="icon"]').getAttribute("href")) === url);
  const size = await page
    .locator(`img[src="${url}"]`)
    .first()
    .evaluate((img) => img.decode().then(() => img.naturalWidth));
  assert.equal(size, 512);
  // It comes with the page itself the next time.
  const shell = await (await page.request.get(A, { headers: { accept: "text/html" } })).text();
  assert.ok(shell.includes(`href="${url}"`), "the shell's icon is the logo");
});

test("a part of a wide photograph is cut out, and a file is dropped", async () => {
  const { page } = owner;
  const before = await logoUrl(page);
  await upload(page, await drawn(page, "wide.jpg", 1600, 700, "image/jpeg"));
  await page.getByRole("slider", { name: "Zoom" }).fill("2.5");
  await page.getByRole("button", { name: "Use this picture" }).click();
  const answered = page.waitForResponse((answer) => answer.request().method() === "PUT");
  await save(page);
  const sent = (await answered).request();
  assert.equal(await sent.headerValue("content-type"), "image/png", "the part was cut out");
  assert.match(await sent.headerValue("if-match"), /^"/, "what it was made from is said");
  await until("another logo", async () => (await logoUrl(page)) !== before);
  const data = await page.evaluateHandle((mark) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([mark], "dropped.svg", { type: "image/svg+xml" }));
    return transfer;
  }, MARK);
  const zone = main(page).getByRole("region", { name: "Logo" }).locator("> div").first();
  await zone.dispatchEvent("dragover", { dataTransfer: data });
  await zone.dispatchEvent("drop", { dataTransfer: data });
  await page.getByRole("button", { name: "Use this picture" }).click();
  await save(page);
});

test("what can't be a logo is said in a sentence, and changes nothing", async () => {
  const { page } = owner;
  const before = await logoUrl(page);
  const text = join(files, "logo.txt");
  await writeFile(text, "hello");
  await page.getByLabel("Logo file").setInputFiles(text);
  await page.getByText("logo.txt isn't a PNG, JPEG, WebP or SVG file.").waitFor();
  const words = join(files, "words.svg");
  await writeFile(words, MARK.replace("</svg>", '<text x="4" y="60">Acme</text></svg>'));
  await upload(page, words);
  await page.getByRole("button", { name: "Use this picture" }).click();
  await page.getByRole("button", { name: "Save appearance" }).click();
  await page.getByText("Convert the text to paths").first().waitFor();
  await look(page, "logo-refused", { ready: "text=Convert the text to paths" });
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByText("Convert the text to paths").first().waitFor({ state: "detached" });
  const broken = join(files, "broken.png");
  await writeFile(broken, "not a picture");
  await page.getByLabel("Logo file").setInputFiles(broken);
  await page.getByText("This browser can't read broken.png as a picture").waitFor();
  assert.equal(await page.getByRole("slider", { name: "Zoom" }).isVisible(), false, "no empty box");
  await page.getByRole("button", { name: "Cancel" }).click();
  assert.equal(await logoUrl(page), before);
});

test("the logo is removed when that is saved, and discarding has it back", async () => {
  const { page } = owner;
  const bar = page.getByRole("navigation", { name: "Main" });
  const before = await logoUrl(page);
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByText("the initials").waitFor();
  assert.equal(await logoUrl(page), before);
  await bar.locator("img").first().waitFor();
  await look(page, "appearance-logo-goes", { ready: "text=the initials" });
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("button", { name: "Remove" }).click();
  // Both at once, logo and colour, and the tile wears the new one before it is worn.
  await page.getByRole("radio", { name: "Marigold" }).check();
  const tile = main(page).getByRole("region", { name: "Preview" }).getByText(/^AS?$/).first();
  assert.equal(await tile.evaluate((one) => getComputedStyle(one).backgroundColor), "rgb(240, 180, 41)");
  await look(page, "appearance-both", { ready: "text=the initials" });
  await save(page);
  assert.equal(await logoUrl(page), null);
  await until("it has left the page", async () => (await bar.locator("img").count()) === 0);
});

test("a first logo and another colour are saved at once", async () => {
  const { page } = owner;
  const bar = page.getByRole("navigation", { name: "Main" });
  assert.equal(await logoUrl(page), null);
  await page.getByRole("radio", { name: "Aegean" }).check();
  const file = join(files, "mark.svg");
  await upload(page, file);
  await page.getByRole("button", { name: "Use this picture" }).click();
  await save(page);
  const { body } = await ask(page, "GET", "/workspaces/acme");
  assert.equal(body.primary_color, "#3552d4");
  assert.ok(body.logo_url, "both are saved");
  await bar.locator("img").first().waitFor();
});

test("a colour is tried without being worn, discarded, and saved", async () => {
  const { page } = owner;
  const worn = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--brand-fill").trim());
  const before = await worn();
  await page.getByRole("radio", { name: "Marigold" }).check();
  assert.equal(await page.getByLabel("Hex code").inputValue(), "#f0b429");
  await page.getByText("Marigold. #rgb or #rrggbb.").waitFor();
  await main(page).getByText("becomes").or(page.getByLabel("becomes")).first().waitFor();
  assert.equal(await worn(), before, "only the preview wears it");
  await look(page, "appearance", { ready: "text=Save appearance" });
  await page.getByLabel("Hex code").fill("#ff");
  await page.getByText("Write # and three or six digits").waitFor();
  assert.ok(await page.getByRole("button", { name: "Save appearance" }).isDisabled());
  await page.getByRole("button", { name: "Discard" }).click();
  assert.equal(await page.getByLabel("Hex code").inputValue(), before);
  await page.getByLabel("Hex code").fill("#FE9");
  await page.getByRole("button", { name: "Save appearance" }).click();
  await until("it is worn", async () => (await worn()) === "#ffee99");
  assert.equal(await page.getByLabel("Hex code").inputValue(), "#ffee99");
  await look(page, "appearance-pale", { ready: "text=Appearance" });
  await page.getByRole("radio", { name: "Aegean" }).check();
  // Somebody else is quicker.
  await ask(page, "PATCH", "/workspaces/acme", { name: "Acme" });
  await until("the page knows", async () => page.getByRole("button", { name: "Save appearance" }).isEnabled());
  await page.getByRole("button", { name: "Save appearance" }).click();
  const late = page.getByText("Somebody changed the workspace meanwhile");
  await until("saved, or told that it was late", async () => (await worn()) === "#3552d4" || (await late.isVisible()));
  if (await late.isVisible()) await page.getByRole("button", { name: "Save appearance" }).click();
  await until("it is saved", async () => (await worn()) === "#3552d4");
  await ask(page, "PATCH", "/workspaces/acme", { name: "Acme Studio", primary_color: "#0e7a5a" });
});

test("the page's first paint wears the workspace's colour, however slow the machine is", async () => {
  const { page } = owner;
  const slow = await owner.context.newPage();
  const session = await owner.context.newCDPSession(slow);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 20 });
  // From the first moment that there is a body on, whatever the root wears is written down.
  await slow.addInitScript(() => {
    globalThis.seen = [];
    const watch = () => {
      const { body, documentElement } = document;
      if (body) {
        const fill = getComputedStyle(documentElement).getPropertyValue("--brand-light-fill").trim();
        const drawn = body.querySelector("#root > *");
        if (fill || drawn) globalThis.seen.push(fill);
      }
      requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
  });
  await slow.goto("/acme/members");
  await slow.getByRole("heading", { name: "Members" }).waitFor();
  const seen = await slow.evaluate(() => [...new Set(globalThis.seen)]);
  assert.deepEqual(seen, ["#0e7a5a"], "no other colour at any frame");
  await slow.close();
  // Strangers get the same shell for a workspace that is there and for one that isn't.
  const stranger = await person(browser, stoa.origin);
  const shell = async (path) => {
    const answer = await stranger.page.request.get(path, { headers: { accept: "text/html" } });
    return (await answer.text()).replace(/(nonce="|content=")[\w-]{20,}"/g, '$1"');
  };
  assert.equal(await shell("/acme/members"), await shell("/nobody-has-this/members"));
  await stranger.context.close();
  await page.bringToFront();
});

test("an owner reads everybody's events, narrows them, and sees what a change was", async () => {
  const { page } = owner;
  const invited = await ask(page, "POST", "/workspaces/acme/invitations", { email: "tess@acme.example" });
  const token = invited.body.link.split("/").at(-1);
  member = await person(browser, stoa.origin);
  await member.page.goto(`/invitations/${token}`);
  await member.page.getByRole("heading", { name: "Join Acme Studio" }).waitFor();
  // Not a member yet, and it wears the workspace's logo all the same.
  const shown = member.page.locator(`img[src*="/invitations/"]`).first();
  assert.ok((await shown.evaluate((img) => img.decode().then(() => img.naturalWidth))) > 0);
  await look(member.page, "invitation-logo", { ready: "text=Create account and join" });
  await joinAs(member.page, "Tess Ferreira", "acme");
  await ask(member.page, "GET", "/workspaces/acme/projects");
  await ask(member.page, "GET", "/workspaces/acme/invitations");

  await page.goto("/acme/activity");
  const events = main(page).getByRole("list", { name: "Events, newest first" });
  await events.getByText("wasn't allowed to list the invitations").waitFor();
  await events.getByRole("button", { name: /changed the workspace's name and colour/ }).click();
  const table = events.getByRole("table");
  await table.getByRole("row", { name: /Colour/ }).waitFor();
  assert.match(await table.getByRole("row", { name: /Colour/ }).textContent(), /#3552d4#0e7a5a/);
  await look(page, "activity", { ready: "text=Before it" });
  await page.getByRole("combobox", { name: "Outcome" }).click();
  await page.getByRole("option", { name: "Refused" }).click();
  await page.waitForURL(/outcome=refused/);
  await until("only refusals", async () => (await events.getByRole("listitem").count()) === 2);
  await page.getByRole("combobox", { name: "Who" }).click();
  await page.getByRole("option", { name: "Jonna Lindqvist" }).click();
  await page.getByText("Nothing of this kind").waitFor();
  await look(page, "activity-none", { ready: "text=Nothing of this kind" });
  await page.getByRole("button", { name: "Clear" }).click();
  await events.getByText("wasn't allowed to list the invitations").waitFor();
  // By keys alone, to one person's events.
  await events.getByRole("button", { name: /wasn't allowed to list the invitations/ }).focus();
  await page.keyboard.press("Enter");
  await events.getByRole("button", { name: "Only by Tess Ferreira" }).press("Enter");
  await page.waitForURL(/actor=/);
  await until("only Tess", async () => (await events.getByText("Jonna Lindqvist").count()) === 0);
  await page.getByRole("button", { name: "Clear" }).click();
});

test("the log is exported, and the program says that it is whole, or where it isn't", async () => {
  const { page } = owner;
  const waits = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export" }).click();
  const file = join(files, "export.ndjson");
  await (await waits).saveAs(file);
  const stoaProgram = process.env.E2E_BINARY ?? join(tree, "target/debug/stoa");
  const verify = (name) => spawned(stoaProgram, ["audit", "verify", name]);
  const whole = await verify(file);
  assert.equal(whole.code, 0, whole.said);
  assert.match(whole.said, /^Whole: \d+ records, 1 to \d+/);
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  const other = async (name, changed, code, said) => {
    await writeFile(join(files, name), `${changed.join("\n")}\n`);
    const found = await verify(join(files, name));
    assert.equal(found.code, code, found.said);
    assert.match(found.said, said);
  };
  await other("letter", lines.with(1, lines[1].replace("Tess", "Tass")), 1, /was changed/);
  await other("removed", lines.toSpliced(2, 1), 3, /1 record is missing/);
  await other("moved", [lines[0], lines[2], lines[1], ...lines.slice(3)], 1, /out of order|twice|chain/);
  await other("cut", [...lines.slice(0, 3), lines[3].slice(0, 80)], 1, /breaks off/);
  await other(
    "filtered",
    lines.filter((line) => line.includes("Tess")),
    3,
    /filtered/,
  );
});

test("a member reads what it did itself, and nothing of others", async () => {
  const { page } = member;
  await page.goto("/acme/activity");
  await page.getByText("The audit log of what you did in this workspace.").waitFor();
  const events = main(page).getByRole("list", { name: "Events, newest first" });
  await events.getByText("accepted an invitation").waitFor();
  assert.equal(await events.getByText("Jonna Lindqvist").count(), 0);
  assert.equal(await page.getByRole("button", { name: "Export" }).count(), 0);
  assert.equal(await page.getByRole("combobox", { name: "Who" }).count(), 0);
  await events.getByRole("button", { name: /list the invitations/ }).click();
  await events.getByText("only owners may do this").waitFor();
  assert.equal(await events.getByText("Before it").count(), 0, "no number and no hash of the chain");
  await look(page, "activity-member", { ready: "text=only owners may do this" });
  // Appearance isn't a member's.
  await page.goto(A);
  await page.getByRole("heading", { name: "You may not open this" }).waitFor();
  await page.getByText("Only owners see and change the settings of the workspace").waitFor();
  await look(page, "appearance-member", { ready: "text=You may not open this" });
  assert.equal(await page.getByText("Primary colour").count(), 0);
});

test("nothing was logged as an error, and axe found nothing on any screen", () => {
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(member.wrong, []);
  assert.deepEqual(findings, []);
});
