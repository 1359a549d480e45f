// The web IDE on files that lie in folders, and on names that an address has to write otherwise.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { deployed, done, setUp, workshop } from "./team.mjs";

const ODD = "about/50 % of #1 & ü?.txt";
const MOVED = "about/ways/100%25 # 2+2.txt";
let stoa, browser, owner, page, repo, instance;

/** How git finds the working copy: each path with its letters, and nothing that wasn't meant. */
async function changes() {
  const { changes } = await done(page, "GET", `/workspaces/acme/instances/${instance.slug}/git/status`);
  return changes.map(({ path, staged, unstaged }) => `${path} ${staged}${unstaged}`).sort();
}

const became = (wanted) =>
  until(`the working copy has ${wanted.join(", ") || "no changes"}`, async () => {
    const found = await changes();
    assert.deepEqual(found, [...wanted].sort());
    return true;
  });

const row = (path) => page.locator(`[role=treeitem][data-path=${JSON.stringify(path)}]`);

async function wish(path, words) {
  await row(path).hover();
  await page.getByRole("button", { name: `What to do with ${path}`, exact: true }).click();
  await page.getByRole("menuitem", { name: words }).click();
}

async function name(title, path, action) {
  const dialog = page.getByRole("dialog", { name: title });
  await dialog.getByRole("textbox").fill(path);
  await dialog.getByRole("button", { name: action, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

/** Writes a line above all others of the file that is looked at, and saves it. */
async function write(text) {
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type(`${text}\n`);
  await page.getByRole("img", { name: "Not saved" }).waitFor();
  await page.keyboard.press("Control+s");
  await page.getByRole("img", { name: "Not saved" }).waitFor({ state: "detached" });
}

/** Whether a tab's button to close it, and what is done with its file, stand in sight. */
const reachable = async (name) => {
  const editor = await page.getByRole("region", { name: "Editor" }).boundingBox();
  const tabs = await page.getByRole("list", { name: "Open files" }).boundingBox();
  const close = await page.getByRole("button", { name: `Close about/${name}` }).boundingBox();
  const compare = page.getByRole("button", { name: "Compare with main" });
  const [tool, isCut] = [
    await compare.boundingBox(),
    await compare.evaluate((one) => one.scrollWidth > one.clientWidth),
  ];
  return close.x + close.width <= tabs.x + tabs.width && tool.x + tool.width <= editor.x + editor.width && !isCut;
};

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("site");
  owner = await person(browser, stoa.origin);
  page = owner.page;
  await setUp(page, stoa.setupLink);
  const place = await workshop(page, { project: "Site" });
  await repo.git("push", "--quiet", place.remote, "HEAD:main");
  instance = await deployed(page, place, { name: "site-staging", stage: "staging" });
  await page.goto(`/acme/instances/${instance.slug}/ide`);
  await row("about").click({ timeout: 60_000 });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("a file in a folder is saved, and taken back", async () => {
  await row("about/index.html").click();
  await page.locator(".cm-content", { hasText: "html" }).waitFor();
  await write("<!-- saved in a folder -->");
  await became(["about/index.html .M"]);
  await page.getByRole("tab", { name: /Changes/ }).click();
  await page.getByRole("button", { name: "Take back about/index.html" }).click();
  await page.getByRole("button", { name: "Take back", exact: true }).click();
  await became([]);
  await page.locator(".cm-content", { hasText: "saved in a folder" }).waitFor({ state: "detached" });
});

test("an open file that nobody has typed in follows what a terminal makes of it", async () => {
  const text = page.locator(".cm-content");
  await text.getByText("</html>").click();
  await page.keyboard.press("End");
  const place = page.getByText(/^Ln \d+, Col/);
  const before = await place.textContent();
  assert.notEqual(before, "Ln 1, Col 1");
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.keyboard.type("echo '<!-- from a terminal -->' >> about/index.html\n");
  await text.getByText("from a terminal").waitFor();
  assert.equal(await page.getByRole("img", { name: "Not saved" }).count(), 0);
  assert.equal(await place.textContent(), before);
  await write("<!-- and typed on -->");
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.keyboard.type("git checkout about; rm about/index.html\n");
  await page.getByText("This can't be opened").waitFor();
  await page.keyboard.type("git checkout about\n");
  await text.getByText("</html>").waitFor();
  await became([]);
});

test("files with odd names are made, saved, moved, uploaded, deleted", async () => {
  await wish("about", "New file in it…");
  await name("New file", ODD, "Make file");
  await page.getByRole("button", { name: ODD.replace("about/", ""), exact: true }).waitFor();
  await write("odd");
  await became([`${ODD} .?`]);
  await wish(ODD, "Rename or move…");
  await name("Rename or move", MOVED, "Rename");
  await became(["about/ways/ .?"]);
  await row("about/ways").click();
  await row(MOVED).waitFor();
  // The tab has moved along, and saves to where the file is now.
  await write("moved");
  await page.reload();
  await page.locator(".cm-content", { hasText: "moved" }).waitFor({ timeout: 30_000 });

  await row("about").click();
  await wish("about", "Upload into it…");
  const picture = { name: "a %41 #b.txt", mimeType: "text/plain", buffer: Buffer.from("uploaded") };
  const long = ["one", "two"].map((word) => `${word}-of-two-whose-names-leave-little-room-beside-them.txt`);
  const others = long.map((name) => ({ name, mimeType: "text/plain", buffer: Buffer.from(name) }));
  await page.getByLabel("Files to upload").setInputFiles([picture, ...others]);
  const all = [picture, ...others].map(({ name }) => name);
  await became([...all.map((name) => `about/${name} .?`), "about/ways/ .?"]);
  for (const name of all) await row(`about/${name}`).click();
  for (const width of [1440, 1024]) {
    await page.setViewportSize({ width, height: 900 });
    await until(`at ${width} the tab that is looked at can be closed, and each button is whole`, () =>
      reachable(long[1]),
    );
  }
  await look(page, "ide-tabs", { ready: ".cm-content", wideOnly: true });
  for (const name of all) {
    await wish(`about/${name}`, "Delete…");
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await row(`about/${name}`).waitFor({ state: "detached" });
  }
  await became(["about/ways/ .?"]);
  await page.getByRole("tab", { name: /Changes/ }).click();
  await page.getByRole("button", { name: "Take back about/ways/" }).click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await became([]);
});

test("nothing was found wrong with any of it", () => {
  assert.deepEqual(findings, []);
  assert.deepEqual(owner.wrong, []);
});
