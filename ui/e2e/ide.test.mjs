// The web IDE: a member with exactly that permission edits, runs, commits and pushes; one without it is refused; and
// what was open ends with the right.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startMail, startStoa, until } from "./stoa.mjs";
import { ask, deployed, done, joinAs, permit, setUp, workshop } from "./team.mjs";

const W = "/acme";
let mail, stoa, browser, owner, editor, plain, repo, instance;

const made = (...asked) => done(owner.page, ...asked);

async function member(name, email) {
  await made("POST", "/workspaces/acme/invitations", { email });
  const letter = await mail.to(email);
  const someone = await person(browser, stoa.origin);
  await someone.page.goto(letter.text.match(/https?:\/\/\S+\/invitations\/\S+/)[0]);
  await joinAs(someone.page, name, "acme");
  const { items } = await made("GET", `/workspaces/acme/members?q=${encodeURIComponent(email)}`);
  return { ...someone, id: items[0].id };
}

const grant = (who, actions) => permit(owner.page, who.id, { actions, instances: [instance.id] });

const status = (page) => ask(page, "GET", `/workspaces/acme/instances/${instance.slug}/git/status`);

before(async () => {
  mail = await startMail();
  stoa = await startStoa({ mail });
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const place = await workshop(owner.page, { project: "Guestbook" });
  await repo.git("push", "--quiet", place.remote, "HEAD:main");
  instance = await deployed(owner.page, place, { name: "guestbook-staging", stage: "staging" });
  editor = await member("Erik Editor", "erik@example.com");
  plain = await member("Petra Plain", "petra@example.com");
  await grant(editor, ["use_ide"]);
  await grant(plain, []);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
  await repo?.remove();
});

test("a member without the permission is refused, and told by whom it can be granted", async () => {
  await plain.page.goto(`${W}/instances/${instance.slug}/ide`);
  await plain.page.getByRole("heading", { name: "You may not use the IDE here" }).waitFor();
  await plain.page.getByText("use_ide").waitFor();
  await plain.page.getByText("Who can grant it").waitFor();
  await plain.page.getByRole("main").getByText("Anna Lindqvist", { exact: true }).waitFor();
  const answer = await ask(plain.page, "POST", `/workspaces/acme/instances/${instance.slug}/desk`);
  assert.deepEqual([answer.status, answer.body.missing], [403, ["use_ide"]]);
  assert.equal((await status(plain.page)).status, 403);
});

test("a file is opened, changed, saved and seen as changed", async () => {
  const { page } = editor;
  await page.goto(`${W}/instances/${instance.slug}/ide`);
  await page.getByRole("treeitem", { name: /stoa\.toml/ }).waitFor({ timeout: 60_000 });
  await page.getByRole("treeitem", { name: /app\.py/ }).click();
  const text = page.locator(".cm-content");
  await text.waitFor();
  await page.getByRole("button", { name: "app.py", exact: true }).waitFor();
  await text.click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# Written in the IDE\n");
  await page.getByRole("img", { name: "Not saved" }).waitFor();
  // Nothing is changed yet for the commit, and it says what it waits for.
  const commit = page.getByRole("region", { name: "Commit" });
  await commit.getByText("app.py isn't saved.").last().waitFor();
  // (A cursor that blinks would be waited for.)
  await page.getByRole("tab", { name: "Terminal" }).focus();
  await look(page, "ide-unsaved", { ready: ".cm-content", wideOnly: true });
  // When the connection is back everything is asked anew; whoever was typing goes on where they were.
  await text.evaluate((editor) => editor.setAttribute("data-same", ""));
  await page.context().setOffline(true);
  const broken = page.getByText("Connection lost, trying again.");
  await broken.waitFor();
  const again = page.waitForResponse((answer) => answer.url().endsWith("/desk") && answer.ok());
  await page.context().setOffline(false);
  await again;
  await broken.waitFor({ state: "detached" });
  await page.locator(".cm-content[data-same]", { hasText: "# Written in the IDE" }).waitFor();
  await page.getByRole("img", { name: "Not saved" }).waitFor();
  await text.click();
  await page.keyboard.press("Control+s");
  await page.getByRole("img", { name: "Not saved" }).waitFor({ state: "detached" });
  assert.equal(await commit.getByText("isn't saved").count(), 0);
  // By its button too, and by the keys from anywhere else.
  const save = page.getByRole("button", { name: "Save", exact: true });
  for (const by of [() => save.click(), () => page.getByRole("tab", { name: "Terminal" }).press("Control+s")]) {
    await text.click();
    await page.keyboard.press("Control+Home");
    await page.keyboard.type("# More\n");
    await page.getByRole("img", { name: "Not saved" }).waitFor();
    await by();
    await page.getByRole("img", { name: "Not saved" }).waitFor({ state: "detached" });
  }
  await page.getByRole("treeitem", { name: /app\.py, changed|app\.py.*changed/ }).waitFor();
  await page.getByText("1 change", { exact: true }).waitFor();
  await page.getByText("Pushing deploys guestbook-staging.").waitFor();
});

test("the bar that finds in a file looks as the page does, in both schemes and narrow", async () => {
  const { page } = editor;
  const text = page.locator(".cm-content");
  await text.click();
  await page.keyboard.press("Control+f");
  const field = page.getByRole("textbox", { name: "Find", exact: true });
  await field.fill("import");
  await page.getByRole("checkbox", { name: "Match case" }).check();
  await page.getByRole("button", { name: "Next", exact: true }).click();
  await page.locator(".cm-searchMatch-selected").first().waitFor();
  // As Mantine's beside it: the same font and height, and no ground of CodeMirror's own.
  const looksOf = (found) =>
    found.evaluate((one) => {
      const { fontFamily, fontSize, backgroundImage, borderRadius } = getComputedStyle(one);
      return { fontFamily: fontFamily.split(",")[0], fontSize, backgroundImage, borderRadius };
    });
  const wanted = { fontFamily: '"Inter Variable"', fontSize: "13px", backgroundImage: "none", borderRadius: "6px" };
  const buttons = ["Next", "Previous", "Select all", "Replace", "Replace all"];
  for (const one of [field, ...buttons.map((name) => page.getByRole("button", { name, exact: true }))])
    assert.deepEqual(await looksOf(one), wanted);
  await page.getByRole("button", { name: "Previous" }).focus();
  await look(page, "ide-find-bar", { ready: ".cm-search" });
  // Nothing of it is cut off, wherever it stands.
  for (const width of [390, 768, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    const isCut = await page.locator(".cm-search").evaluate((bar) => {
      const { left, right } = bar.getBoundingClientRect();
      return [...bar.children].some((one) => {
        const its = one.getBoundingClientRect();
        return its.width > 0 && (its.left < left || its.right > right);
      });
    });
    assert.equal(isCut, false, `at ${width}`);
  }
  await field.press("Escape");
  await page.locator(".cm-search").waitFor({ state: "detached" });
});

test("a terminal is real, and is found again after a reload", async () => {
  const { page } = editor;
  const screen = page.locator(".xterm-screen:visible");
  await screen.waitFor();
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.keyboard.type("echo $((6 * 7)) from $STOA_INSTANCE; head -3 app.py\n");
  await page.locator(".xterm-rows:visible", { hasText: "42 from guestbook-staging" }).waitFor();
  await page.locator(".xterm-rows:visible", { hasText: "# Written in the IDE" }).waitFor();
  await look(page, "ide", { ready: "h1" });
  await page.reload();
  await page.locator(".xterm-rows:visible", { hasText: "42 from guestbook-staging" }).waitFor({ timeout: 30_000 });
});

test("what differs is compared with the branch, found, and pushed, which deploys it", async () => {
  const { page } = editor;
  await page.getByRole("tab", { name: /Changes/ }).click();
  await page.getByRole("button", { name: "app.py", exact: true }).last().click();
  await page.locator(".cm-changedLine", { hasText: "# Written in the IDE" }).first().waitFor();
  await page.getByRole("tab", { name: "Find in files" }).click();
  await page.getByRole("textbox", { name: "Find in files" }).fill("Written in the");
  await page.keyboard.press("Enter");
  await page.getByText("1 line in 1 file").waitFor();
  await look(page, "ide-find", { ready: "text=1 line in 1 file", wideOnly: true });
  const before = await made("GET", `/workspaces/acme/instances/${instance.slug}`);
  await page.getByRole("textbox", { name: "What the commit changes" }).fill("Say where it was written");
  await page.getByRole("button", { name: "Commit and push" }).click();
  await page.getByText("Pushed to main. guestbook-staging is being deployed.").waitFor({ timeout: 30_000 });
  // Here deployments aren't shown to this member: the link leads to the instance.
  const told = page.getByRole("alert").getByRole("link", { name: "guestbook-staging" });
  assert.equal(await told.getAttribute("href"), `${W}/instances/${instance.slug}`);
  await until(
    "it is deployed",
    async () => {
      const now = await made("GET", `/workspaces/acme/instances/${instance.slug}`);
      return now.status === "running" && now.commit !== before.commit;
    },
    120,
  );
  const project = await made("GET", "/workspaces/acme/projects/guestbook/commits?branch=main");
  assert.deepEqual(
    [project.items[0].subject, project.items[0].author_name],
    ["Say where it was written", "Erik Editor"],
  );
});

test("what is open ends with the right, what runs in the background too", async () => {
  const { page } = editor;
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.locator(".xterm-screen:visible").waitFor();
  await page.keyboard.type("(while :; do date +%s%N > /data/alive; sleep 0.05; done) & disown\n");
  const alive = () =>
    execFileSync("sh", ["-c", `cat ${stoa.data}/agent/data/${instance.id}/alive 2>/dev/null || true`]).toString();
  await until("it runs", async () => alive() !== "");
  await page.getByRole("tree").getByText("app.py").click();
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# Not saved in time\n");
  await page.getByRole("img", { name: "Not saved" }).waitFor();
  const taken = await grant(editor, []).then(() => Date.now());
  await page
    .getByText("You need the permission", { exact: false })
    .first()
    .waitFor()
    .catch(() => {});
  await page.waitForFunction(
    () => !document.querySelector(".xterm-screen") || document.querySelector("[role=status] span"),
  );
  await until("it has ended", async () => {
    const before = alive();
    await new Promise((go) => setTimeout(go, 300));
    return alive() === before;
  });
  // By what it wrote itself: nothing later than a second after the right was taken.
  assert.ok(Number(alive().trim().slice(0, 13)) <= taken + 1000, `${alive()} is later than ${taken} by a second`);
  assert.equal((await status(page)).status, 403);
  // What was typed isn't lost with it: it is said, and comes back.
  await page.getByText("kept while this tab of the browser stays open").waitFor();
  await look(page, "ide-taken", { ready: "text=kept while this tab" });
  await grant(editor, ["use_ide"]);
  await page.locator(".cm-content", { hasText: "# Not saved in time" }).waitFor({ timeout: 60_000 });
  await page.getByRole("img", { name: "Not saved" }).waitFor();
  // (A terminal that is still being opened would be refused aloud.)
  await page.locator(".xterm-rows:visible", { hasText: "/desk$" }).waitFor({ timeout: 30_000 });
  // Nor where the instance itself is hidden meanwhile.
  await permit(owner.page, editor.id, {});
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await page.getByText("kept while this tab of the browser stays open").waitFor();
  await look(page, "ide-hidden", { ready: "text=kept while this tab" });
  await grant(editor, ["use_ide"]);
  await page.locator(".cm-content", { hasText: "# Not saved in time" }).waitFor({ timeout: 60_000 });
  // Whoever leaves without saving has given it up.
  await page.getByRole("navigation").getByRole("link", { name: "Members" }).click();
  await page.getByRole("button", { name: "Leave without saving" }).click();
  await page.getByRole("heading", { name: "Members" }).waitFor();
  await page.goBack();
  await page.locator(".cm-content").waitFor({ timeout: 60_000 });
  assert.equal(await page.locator(".cm-content", { hasText: "# Not saved in time" }).count(), 0);
});

test("opened anew it goes on with the file whose tab is there", async () => {
  const { page } = editor;
  await page.goto(new URL(page.url()).pathname);
  await page.waitForURL(/[?&]file=app\.py/);
  await page.locator(".cm-content").waitFor({ timeout: 60_000 });
});

test("while its instance is being deleted it says so, and offers nothing that would bring it back", async () => {
  const { page } = editor;
  // As it is told meanwhile: how long that takes depends on what there is to delete.
  const here = `**/api/v1/workspaces/acme/instances/${instance.slug}`;
  await page.route(here, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), status: "deleting" } });
  });
  await page.reload();
  await page.getByText("guestbook-staging is being deleted, and your desk with it.").waitFor({ timeout: 60_000 });
  await page.getByText("Being deleted", { exact: true }).waitFor();
  assert.equal(await page.getByText("Sandbox ready").count(), 0);
  await look(page, "ide-deleting", { ready: "text=and your desk with it" });
  await page.unroute(here);
});

test("nothing was found wrong with any of it", () => {
  assert.deepEqual(findings, []);
  for (const someone of [owner, editor, plain]) assert.deepEqual(someone.wrong, []);
});
