// The web IDE on files that it opens otherwise, or not at all: large ones, what isn't text, what leads elsewhere; folders
// of thousands; names that are taken; and two who push to one branch.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { deployed, done, joined, setUp, workshop } from "./team.mjs";

let stoa, browser, owner, editor, page, repo, instance;

const ide = () => `/acme/instances/${instance.slug}/ide`;
const copy = (who = owner) => done(who.page, "GET", `/workspaces/acme/instances/${instance.slug}/git/status`);
const row = (path, on = page) => on.locator(`[role=treeitem][data-path=${JSON.stringify(path)}]`);
const text = (on = page) => on.locator(".cm-content");

let typed = 0;

/** Types it into the terminal, and waits for its end. */
async function type(command) {
  typed += 1;
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.locator(".xterm-screen:visible").waitFor();
  // What was closed before may have given the focus back to where it came from.
  await page.locator(".xterm:visible .xterm-helper-textarea").focus();
  await page.keyboard.type(`${command}; echo done $((${typed})) times\n`);
  await page.locator(".xterm-rows:visible", { hasText: `done ${typed} times` }).waitFor();
}

async function write(on, words) {
  await text(on).click();
  await on.keyboard.press("Control+Home");
  await on.keyboard.type(`${words}\n`);
  await on.getByRole("img", { name: "Not saved" }).waitFor();
  await on.keyboard.press("Control+s");
  await on.getByRole("img", { name: "Not saved" }).waitFor({ state: "detached" });
}

before(async () => {
  [stoa, browser, repo] = [await startStoa(), await startBrowser(), await repository("site")];
  owner = await person(browser, stoa.origin);
  page = owner.page;
  await setUp(page, stoa.setupLink);
  const place = await workshop(page, { project: "Site" });
  await repo.push(place.remote, "Words", { "words.txt": "one  \ntwo\n", "style.css": "a {}\n" });
  instance = await deployed(page, place, { name: "site-staging", stage: "staging" });
  const profile = { actions: ["use_ide"], instances: [instance.id] };
  editor = await joined(browser, stoa, owner, "Erik Editor", "erik@example.com", profile);
  await page.goto(ide());
  await row("words.txt").waitFor({ timeout: 60_000 });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("a terminal shows colours, and leads nowhere", async () => {
  await type(
    "printf '\\033]8;;https://elsewhere.example/\\033\\\\\\033[31mthe %s\\033[0m\\033]8;;\\033\\\\\\n' manual",
  );
  const words = page.locator(".xterm-rows:visible .xterm-fg-1", { hasText: "manual" });
  await words.waitFor();
  // What takes the mouse lies above what is shown. Upon what it would open it is a hand.
  const { x, y, width, height } = await words.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  assert.equal(await page.locator(".xterm-cursor-pointer").count(), 0);
});

test("what the editor can't show is told in a sentence, and what is too large isn't fetched", async () => {
  await type("truncate -s 40M large.bin; printf 'a\\0b' > pixel.bin; ln -s /etc/passwd out");
  const cut = page.waitForEvent("requestfailed", (asked) => asked.url().endsWith("/files/large.bin"));
  await row("large.bin").click();
  await page.getByRole("heading", { name: "Too large for the editor" }).waitFor();
  await cut;
  await row("pixel.bin").click();
  await page.getByRole("heading", { name: "Not a text" }).waitFor();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), "pixel.bin");
  assert.deepEqual([...(await readFile(await download.path()))], [97, 0, 98]);
  await row("out").click();
  await page.getByText("This is a link, and links aren't followed here. Use the terminal.").waitFor();
  await page.goto(`${ide()}?file=.GIT%2Fconfig`);
  await page.getByText("Git's own folder is closed here. Use git, or the terminal.").waitFor();
  await page.getByRole("button", { name: "Close .GIT/config" }).click();
  await type("rm large.bin pixel.bin out");
});

test("a name that is taken is asked about, and replaced as it was then", async () => {
  const upload = (...files) =>
    page
      .getByLabel("Files to upload")
      .setInputFiles(files.map(([name, text]) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) })));
  const dialog = page.getByRole("dialog");
  await row("words.txt").click();
  await text().getByText("two").waitFor();
  await upload(["words.txt", "three\n"], ["fresh.txt", "fresh\n"]);
  await dialog.getByText("words.txt is there already.", { exact: false }).waitFor();
  await look(page, "ide-replace", { ready: "role=dialog" });
  await row("fresh.txt").waitFor();
  await dialog.getByRole("button", { name: "Keep what is there" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.deepEqual(
    (await copy()).changes.map(({ path }) => path),
    ["fresh.txt"],
  );
  await upload(["words.txt", "three\n"], ["fresh.txt", "fresher\n"], ["about", "no file\n"]);
  await dialog.getByText("words.txt and fresh.txt are there already.", { exact: false }).waitFor();
  // One of them becomes another before the answer: it isn't overwritten unseen.
  await done(page, "PATCH", `/workspaces/acme/instances/${instance.slug}/files/fresh.txt`, { path: "kept.txt" });
  await dialog.getByRole("button", { name: "Replace", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await text().getByText("three").waitFor();
  const refused = page.getByText(/fresh\.txt: .*changed/);
  await refused.waitFor();
  await page.getByRole("button", { name: "Close what went wrong" }).click();
  await refused.waitFor({ state: "detached" });
  await type("rm kept.txt; git checkout words.txt");
  await text().getByText("two").waitFor();
});

test("a folder of thousands is read on as far as is asked for", async () => {
  await type("mkdir many; (cd many; seq -f 'f%05g' 2500 | xargs touch)");
  await row("many").click();
  await row("many/f01000").waitFor();
  // By what it lacks: the name of each of thousands would be worked out to find it by its own.
  const more = page.locator("[role=treeitem]:not([data-path])");
  assert.match(await more.textContent(), /^Show 1,000 more/);
  assert.equal(await row("many/f01001").count(), 0);
  await more.scrollIntoViewIfNeeded();
  await look(page, "ide-many", { ready: "text=Show 1,000 more", wideOnly: true });
  await more.click();
  await row("many/f02000").waitFor();
  await page.getByText("2,000 shown").waitFor();
  // By keys it goes on where the new ones begin.
  await row("many/f02000").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await row("many/f02500").waitFor();
  await more.waitFor({ state: "detached" });
  await until("the first of the new ones has the focus", () =>
    row("many/f02001").evaluate((one) => one === document.activeElement),
  );
  await page.keyboard.press("F2");
  await page.getByRole("dialog", { name: "Rename or move" }).getByRole("button", { name: "Cancel" }).click();
  await type("rm -r many");
  await row("many").waitFor({ state: "detached" });
});

test("what is typed is saved as it is typed, unless it is to be formatted", async () => {
  await row("words.txt").click();
  const formats = page.getByLabel("Format on save: trailing blanks, JSON");
  assert.equal(await formats.isChecked(), false);
  await write(page, "zero  ");
  const url = `/api/v1/workspaces/acme/instances/${instance.slug}/files/words.txt`;
  const saved = () => page.evaluate(async (url) => (await fetch(url)).text(), url);
  assert.equal(await saved(), "zero  \none  \ntwo\n");
  await formats.check();
  await write(page, "first");
  assert.equal(await saved(), "first\nzero\none\ntwo\n");
  await formats.uncheck();
});

test("one file is staged and taken out again, and a commit takes what is staged", async () => {
  await row("style.css").click();
  await text().getByText("a {}").waitFor();
  await write(page, "b {}");
  await page.getByRole("tab", { name: /Changes/ }).click();
  const staged = async (count) => page.getByText(`${count} of 2 staged`).waitFor();
  await staged(0);
  const box = (path) => page.getByRole("checkbox", { name: `Stage ${path}` });
  await box("style.css").click();
  await staged(1);
  await box("words.txt").click();
  await staged(2);
  await box("words.txt").click();
  await staged(1);
  await page.getByText("Commits the 1 staged.", { exact: false }).waitFor();
  await page.getByRole("textbox", { name: "What the commit changes" }).fill("Style alone");
  await page.getByRole("button", { name: "Other ways" }).click();
  await page.getByRole("menuitem", { name: "Commit only" }).click();
  await page.getByText("0 of 1 staged").waitFor();
  const { changes, ahead } = await copy();
  assert.deepEqual([changes.map(({ path }) => path), ahead], [["words.txt"], 1]);
});

test("who pushes second is told, merges with a click, and pushes", async () => {
  const other = editor.page;
  await other.goto(`${ide()}?file=index.html`);
  await text(other).waitFor({ timeout: 60_000 });
  await write(other, "<!-- by Erik -->");
  await other.getByRole("textbox", { name: "What the commit changes" }).fill("A remark");
  await page.getByRole("textbox", { name: "What the commit changes" }).fill("Words");
  await page.getByRole("button", { name: "Commit and push" }).click();
  await page.getByText("Pushed to main.", { exact: false }).waitFor();
  await other.getByRole("button", { name: "Commit and push" }).click();
  const told = other.getByRole("region", { name: "Commit" });
  await told.getByText("main has commits that yours lacks.").first().waitFor();
  await look(other, "ide-second", { ready: "text=Merge them", wideOnly: true });
  await told.getByRole("button", { name: "Merge them" }).click();
  await other.getByText("Merged what main has gained.").waitFor();
  await told.getByRole("button", { name: /^Push \d commits$/ }).click();
  await other.getByText("Pushed to main.", { exact: false }).waitFor();
  const { items } = await done(page, "GET", "/workspaces/acme/projects/site/commits?branch=main");
  const subjects = items.map(({ subject }) => subject);
  for (const wanted of ["Style alone", "Words", "A remark"]) assert.ok(subjects.includes(wanted), wanted);
});

test("nothing was found wrong with any of it", () => {
  assert.deepEqual(findings, []);
  for (const one of [owner, editor]) assert.deepEqual(one.wrong, []);
});
