// Merging on the board: dragged, by keys and by form, as a member with exactly that permission, and refused without it.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { holder } from "./held.mjs";
import { repository, startMail, startStoa, until } from "./stoa.mjs";
import { ask, done, joinAs, permit, settled, setUp } from "./team.mjs";

const W = "/acme";
const BOARD = `${W}/projects/shop`;
let mail, stoa, browser, owner, mia, paul, max, repo, remote, project, production, staging, provider;

/** Speaks as OpenAI's server does, and says the same of every merge. */
async function startProvider() {
  const asked = [];
  const { hold, release, keeps } = holder();
  const server = http.createServer(async (request, answer) => {
    let body = "";
    for await (const piece of request) body += piece;
    asked.push(body);
    answer.writeHead(200, { "content-type": "text/event-stream" });
    const send = (value) => answer.write(`data: ${JSON.stringify(value)}\n\n`);
    for (const content of ["## What changes\nThe cart stays ", "in `checkout.txt`.\n\n## What is risky\n- Nothing."])
      send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    if (await keeps(answer)) return;
    send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    send({ choices: [], usage: { prompt_tokens: 24, completion_tokens: 7, total_tokens: 31 } });
    answer.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: server.address().port, asked, hold, release, stop: () => server.close() };
}

const api = (method, path, body) => ask(owner.page, method, `/workspaces/acme${path}`, body);

async function commit(branch, files, message, from) {
  await repo.git("checkout", "--quiet", ...(from ? ["-b", branch, from] : [branch]));
  for (const [name, text] of Object.entries(files)) await writeFile(join(repo.folder, name), text);
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", `--message=${message}`);
}

async function join_(who, name, profile, first = "/projects") {
  const email = `${name.toLowerCase().split(" ")[0]}@example.com`;
  await api("POST", "/invitations", { email });
  const { text } = await mail.to(email);
  await who.page.goto(text.match(/http:\/\/localhost:\d+\/invitations\/\S+/)[0]);
  await joinAs(who.page, name, "acme");
  const { body } = await api("GET", `/members?q=${email}`);
  who.id = body.items[0].id;
  await permit(owner.page, who.id, profile);
  await who.page.goto(`${W}${first}`);
}

before(async () => {
  mail = await startMail();
  provider = await startProvider();
  stoa = await startStoa({ mail, environment: { STOA_EGRESS_ALLOW: `127.0.0.1:${provider.port}` } });
  browser = await startBrowser();
  repo = await repository("guestbook");
  [owner, mia, paul, max] = await Promise.all([1, 2, 3, 4].map(() => person(browser, stoa.origin)));
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
  provider?.stop();
  await repo?.remove();
});

const card = (page, column, branch) =>
  page.getByRole("region", { name: column }).getByRole("article").filter({ hasText: branch });

test("a project with branches that are deployed", async () => {
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  await ask(page, "POST", "/workspaces", { name: "Acme" });
  await page.goto(W);
  const server = (await api("POST", "/servers", { name: "local", local: true })).body;
  project = (await api("POST", "/projects", { name: "Shop" })).body;
  await ask(page, "POST", "/session/confirm", { password: "a long enough sentence" });
  const token = (await ask(page, "POST", "/me/tokens", { name: "git" })).body.token;
  await commit("staging", { "notes.txt": "one\ntwo\nthree\n" }, "Notes for the team", "main");
  await commit(
    "new-checkout",
    { "checkout.txt": "a\nb\nc\n", "delivery.txt": "d\n" },
    "Keep the cart when payment fails",
    "staging",
  );
  await commit("new-checkout", { "checkout.txt": "a\nb\nc\nd\n" }, "One page for address and delivery");
  await commit("clash", { "notes.txt": "one\nTWO\nthree\n" }, "Shout", "staging");
  await commit("staging", { "notes.txt": "one\nzwei\nthree\n" }, "In German");
  remote = project.repository.url.replace("http://", `http://x:${token}@`).replace("localhost", "127.0.0.1");
  await repo.git("push", "--quiet", remote, "--all");
  const make = async (name, stage, branch) =>
    (await api("POST", "/instances", { name, project: project.id, server: server.id, stage, branch })).body;
  production = await make("shop-production", "production", "main");
  staging = await make("shop-staging", "staging", "staging");
  const both = ["merge_branches", "view_projects"];
  await join_(mia, "Mia Merger", { actions: both, projects: [project.id], instances: [staging.id] });
  await join_(paul, "Paul Plain", { actions: ["view_projects"], projects: [project.id], instances: [staging.id] });
});

test("where the repository is, is told to whoever may look into it, and found by what one would do with it", async () => {
  const { page } = paul;
  await page.goto(`${W}/projects`);
  await page.getByRole("heading", { name: "Projects" }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search or run a command" }).fill("git clone");
  await page.getByRole("option", { name: /^Clone Shop/ }).click();
  await page.getByText(`git clone ${project.repository.url}`).waitFor();
  await page.getByText("Pushing needs the permission Web IDE").waitFor();
  await look(page, "clone", { ready: "text=Pushing needs" });
  await page.keyboard.press("Escape");
  await page.getByText("Pushing needs the permission Web IDE").waitFor({ state: "detached" });
});

test("without the permission nothing is lifted, and the button says what is missing", async () => {
  const { page } = paul;
  await page.goto(BOARD);
  await card(page, "Staging", "staging").waitFor();
  assert.equal(await page.getByRole("button", { name: /^Lift/ }).count(), 0);
  const merge = page.getByRole("button", { name: "Merge…" });
  assert.equal(await merge.getAttribute("aria-disabled"), "true");
  await merge.focus();
  await page.getByRole("tooltip").filter({ hasText: "You need the permission Merge branches" }).waitFor();
  const wish = { source: "new-checkout", target: "staging" };
  const refused = await ask(page, "POST", `/workspaces/acme/projects/shop/merge`, wish);
  assert.deepEqual([refused.status, refused.body.missing], [403, ["merge_branches"]]);
});

test("a dragged branch shows what it would do before it is dropped, and nothing is merged", async () => {
  const { page } = mia;
  await page.goto(BOARD);
  const source = await card(page, "Development", "new-checkout").boundingBox();
  const target = await card(page, "Staging", "Notes|German")
    .or(card(page, "Staging", "staging"))
    .first()
    .boundingBox();
  await page.mouse.move(source.x + 120, source.y + 40);
  await page.mouse.down();
  await page.mouse.move(source.x + 90, source.y + 60, { steps: 4 });
  await page.mouse.move(target.x + 200, target.y + 70, { steps: 12 });
  await page.getByText("Drop to review. Nothing is merged yet.").waitFor();
  await page.getByText("No conflicts", { exact: true }).waitFor();
  await page.getByText("checkout.txt").waitFor();
  await look(page, "board-dragging", { wideOnly: true });
  await page.keyboard.press("Escape");
  await page.getByText("Drop to review").waitFor({ state: "detached" });
  await page.mouse.up();
  assert.equal(await page.getByRole("dialog").count(), 0);
  // Into a branch that is deployed by what isn't allowed: the same sentence as everywhere, and no name.
  const main = await card(page, "Development", "default").boundingBox();
  await page.mouse.move(source.x + 120, source.y + 40);
  await page.mouse.down();
  await page.mouse.move(source.x + 90, source.y + 60, { steps: 4 });
  await page.mouse.move(main.x + 60, main.y + 40, { steps: 12 });
  await page.getByText("An instance that you aren't allowed deploys this branch.").first().waitFor();
  assert.equal(await page.getByText("shop-production").count(), 0);
  await page.keyboard.press("Escape");
  await page.mouse.up();
  // Dropped on the card, it is reviewed.
  await page.mouse.move(source.x + 120, source.y + 40);
  await page.mouse.down();
  await page.mouse.move(source.x + 90, source.y + 60, { steps: 4 });
  await page.mouse.move(target.x + 200, target.y + 70, { steps: 12 });
  await page.getByText("Drop to review").waitFor();
  await page.mouse.up();
  const dialog = page.getByRole("dialog", { name: "Merge new-checkout into staging" });
  await dialog.getByText("No conflicts", { exact: true }).waitFor();
  await look(page, "merge-review", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "checkout.txt" }).click();
  const lines = dialog.getByRole("region", { name: "Difference of checkout.txt" });
  await lines.getByRole("row").nth(4).waitFor();
  assert.equal(await lines.getByRole("row").count(), 5, "a heading and four lines");
  await look(page, "merge-difference", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "checkout.txt" }).click();
  await lines.waitFor({ state: "detached" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
});

test("a merge is described by AI where a provider is set, and owners are told where none is", async () => {
  const open = async ({ page }) => {
    await page.goto(BOARD);
    await page.getByRole("button", { name: "Merge…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Source").first().fill("new-checkout");
    await dialog.getByLabel("Target").first().fill("staging");
    await page.keyboard.press("Tab");
    await dialog.getByText("No conflicts", { exact: true }).waitFor();
    return dialog;
  };
  await (await open(owner)).getByText("With an AI provider set under").waitFor();
  assert.equal(await (await open(mia)).getByText(/AI provider|Describe this merge/).count(), 0);
  const base_url = `http://127.0.0.1:${provider.port}/v1`;
  const set = await api("PUT", "/ai", { provider: "custom", model: "tiny", base_url, api_key: "sk-0123456789" });
  assert.equal(set.status, 200, JSON.stringify(set.body));
  const dialog = await open(mia);
  await dialog.getByRole("button", { name: "Describe this merge" }).click();
  await dialog.getByRole("heading", { name: "What is risky" }).waitFor();
  await dialog.getByText("It can be wrong; nothing was merged.").waitFor();
  assert.ok(provider.asked.at(-1).includes("Keep the cart when payment fails"));
  await look(mia.page, "merge-described", { ready: "text=What is risky" });
  await dialog.getByRole("button", { name: "Close the description" }).click();
  // One that is under way ends with Stop, and with the dialog.
  for (const leave of ["Stop", "Cancel"]) {
    const { reached, left } = provider.hold();
    await dialog.getByRole("button", { name: "Describe this merge" }).click();
    await reached();
    await dialog.getByRole("button", { name: "Stop", exact: true }).waitFor();
    await dialog.getByRole("button", { name: leave, exact: true }).click();
    await left();
    if (leave === "Stop") await dialog.getByRole("button", { name: "Close the description" }).click();
  }
  provider.release();
});

test("by keys alone: lifted, chosen, reviewed and merged, and the instance is deployed", async () => {
  const { page } = mia;
  await page.goto(BOARD);
  await page.getByRole("button", { name: "Lift new-checkout" }).focus();
  await page.keyboard.press("Space");
  await page.getByRole("status").filter({ hasText: "new-checkout is lifted" }).waitFor({ state: "attached" });
  const chosen = page.locator("[data-over][data-branch=staging]");
  for (let step = 0; step < 8 && (await chosen.count()) === 0; step += 1) await page.keyboard.press("ArrowDown");
  await page.getByText("Enter reviews. Nothing is merged yet.").waitFor();
  await page.getByText("No conflicts", { exact: true }).waitFor();
  await look(page, "board-lifted", { wideOnly: true });
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Merge", exact: true }).click();
  await dialog.getByText("new-checkout is merged into staging").waitFor();
  await dialog.getByRole("link", { name: "shop-staging" }).waitFor();
  await look(page, "merge-done", { ready: "text=What it deploys" });
  // Deployments aren't shown to her: it is followed by the instance itself.
  await dialog.getByRole("status").getByText("Running", { exact: true }).waitFor({ timeout: 60_000 });
  await dialog.getByRole("button", { name: "Done" }).click();
  await card(page, "Staging", "Merge new-checkout into staging").waitFor();
  await until("the deployment of the merge", async () => {
    const { body } = await api("GET", `/instances/${staging.slug}/deployments`);
    return body.items[0].cause === "merge" && body.items[0];
  });
});

test("conflicts are told by file and line, and there is no way to merge them", async () => {
  const { page } = mia;
  await page.goto(BOARD);
  await page.getByRole("button", { name: "Merge…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Source" }).or(dialog.getByLabel("Source")).first().fill("clash");
  await dialog.getByRole("combobox", { name: "Target" }).or(dialog.getByLabel("Target")).first().fill("staging");
  await page.keyboard.press("Tab");
  await dialog.getByText("Conflicts in 1 file").waitFor();
  await dialog.getByText("line 2").waitFor();
  await dialog.getByText("Both changed the same lines.").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Merge", exact: true }).isDisabled(), true);
  await look(page, "merge-conflicts", { ready: "text=Conflicts in 1 file" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
});

test("with that permission alone branches are typed, nothing that would be refused is asked, and it merges", async () => {
  const profile = { actions: ["merge_branches"], projects: [project.id], instances: [staging.id] };
  const { page } = max;
  const refused = [];
  page.on("response", (answer) => answer.status() === 403 && refused.push(answer.url()));
  await join_(max, "Max Merely", profile, "/instances");
  const here = `${W}/instances/${staging.slug}`;
  const dialog = page.getByRole("dialog", { name: "Merge a branch" });
  const open = async (tab) => {
    await page.goto(`${here}${tab}`);
    await page.getByRole("button", { name: "Merge…" }).click();
    await dialog.getByText("isn't open to you. You need the permission View projects. Ask Anna Lindqvist.").waitFor();
    assert.equal(await dialog.getByLabel("Target").inputValue(), "staging");
  };
  for (const tab of ["/logs", "/deployments", "/backups", "/ide", "/settings"]) await open(tab);
  await open("");
  await dialog.getByLabel("Source").fill("nowhere");
  await dialog.getByText("The project has no such branch.").waitFor();
  await dialog.getByLabel("Source").fill("clash");
  await dialog.getByText("Conflicts in 1 file").waitFor();
  await dialog
    .getByText("a clone of the repository, which isn't open to you. You need the permission View projects.")
    .waitFor();
  await look(page, "merge-typed", { ready: "role=dialog" });
  await commit("new-checkout", { "delivery.txt": "d\ne\n" }, "Deliver on Saturdays");
  await repo.git("push", "--quiet", remote, "new-checkout");
  await dialog.getByLabel("Source").fill("new-checkout");
  await dialog.getByText("Deliver on Saturdays").waitFor();
  await dialog.getByText("delivery.txt").waitFor();
  // Its lines are the repository's, which isn't open to him: it is named, and doesn't open.
  assert.equal(await dialog.getByRole("button", { name: "delivery.txt" }).count(), 0);
  await dialog.getByRole("button", { name: "Merge", exact: true }).click();
  const merged = page.getByRole("dialog", { name: "new-checkout is merged into staging" });
  await merged.getByRole("link", { name: "shop-staging" }).waitFor();
  await merged.getByRole("status").getByText("Running", { exact: true }).waitFor({ timeout: 60_000 });
  await merged.getByRole("button", { name: "Done" }).click();
  await merged.waitFor({ state: "detached" });
  assert.deepEqual(refused, []);
  const audit = () => done(owner.page, "GET", "/workspaces/acme/audit?outcome=refused&limit=200");
  const of = (items) => items.filter(({ actor_name: name }) => name === "Max Merely").map(({ action }) => action);
  assert.deepEqual(of((await audit()).items), []);
  // Without it there is no such button, and the API says what is missing.
  await permit(owner.page, max.id, { ...profile, actions: [] });
  await page.getByRole("button", { name: "Merge…" }).waitFor({ state: "detached" });
  const { status, body } = await ask(page, "POST", "/workspaces/acme/projects/shop/merge", {
    source: "clash",
    target: "staging",
  });
  assert.deepEqual([status, body.missing], [403, ["merge_branches"]]);
  assert.equal(of((await audit()).items).length, 1, "what was tried is what was refused");
});

test("a commit is read with what it changes", async () => {
  const { page } = mia;
  await page.goto(`${BOARD}/commits`);
  await page.getByRole("combobox", { name: "Branch" }).click();
  await page.getByRole("option", { name: "new-checkout" }).click();
  await page.getByRole("link", { name: "Keep the cart when payment fails" }).click();
  await page.getByRole("heading", { name: "Keep the cart when payment fails" }).waitFor();
  await page.getByRole("region", { name: "checkout.txt", exact: true }).waitFor();
  await look(page, "commit", { ready: "text=All commits" });
  await page.goBack();
  await page.getByRole("table", { name: "Commits" }).waitFor();
  // Loaded anew, or by a link, it is the same branch; and so it is on the way back from a commit.
  await page.reload();
  await page.getByRole("link", { name: "Keep the cart when payment fails" }).click();
  await page.getByRole("link", { name: "All commits" }).click();
  await page.waitForURL(/\/commits\?branch=new-checkout$/);
  await page.getByRole("table", { name: "Commits" }).waitFor();
  assert.equal(await page.getByRole("combobox", { name: "Branch" }).inputValue(), "new-checkout");
  await page.goto(`${BOARD}/commits?branch=gone`);
  await page.getByText("There is no branch gone any more. These are the commits of main.").waitFor();
});

test("a branch that is offered is read whole, however long its name is", async () => {
  const { page } = mia;
  const long = `feature/${"round_tax_per_line_not_per_order_".repeat(3)}4711`;
  await repo.git("push", "--quiet", remote, `new-checkout:refs/heads/${long}`);
  await page.goto(`${BOARD}/commits`);
  await page.getByRole("button", { name: "Merge…" }).click();
  const dialog = page.getByRole("dialog", { name: "Merge a branch" });
  await dialog.getByLabel("Source").fill("4711");
  const offered = page.getByRole("option", { name: long });
  await offered.waitFor();
  const isWhole = (option) => {
    const letters = document.createRange();
    letters.selectNodeContents(option);
    const { right } = option.closest("[role=listbox]").getBoundingClientRect();
    return letters.getBoundingClientRect().right <= right;
  };
  assert.ok(await offered.evaluate(isWhole));
  await offered.click();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await repo.git("push", "--quiet", remote, `:${long}`);
});

test("the owner drags a branch into a column, has an instance of it there by the form that opens, and a deleted branch stays", async () => {
  const { page } = owner;
  await page.goto(BOARD);
  const source = await card(page, "Development", "clash").boundingBox();
  const column = await page.getByRole("region", { name: "Production" }).boundingBox();
  await page.mouse.move(source.x + 120, source.y + 30);
  await page.mouse.down();
  await page.mouse.move(source.x + 90, source.y + 60, { steps: 4 });
  await page.mouse.move(column.x + 150, column.y + column.height - 60, { steps: 12 });
  await page.getByText("Drop to open the form of a new instance").waitFor();
  await look(page, "board-into-column", { wideOnly: true });
  await page.mouse.up();
  const dialog = page.getByRole("dialog", { name: "New instance" });
  assert.equal(await dialog.getByRole("combobox", { name: "Branch" }).inputValue(), "clash");
  assert.equal(await dialog.getByRole("combobox", { name: "Stage" }).inputValue(), "Production");
  await dialog.getByRole("textbox", { name: "Name" }).fill("Shout");
  await dialog.getByRole("button", { name: "Create and deploy" }).click();
  await page.waitForURL(/\/acme\/instances\/shout$/);
  const { stage, branch } = await settled(page, "shout");
  assert.deepEqual([stage, branch], ["production", "clash"]);
  await page.goto(BOARD);
  await card(page, "Production", "Shout").getByText("clash", { exact: true }).waitFor();
  assert.equal(await card(page, "Development", "clash").count(), 0);
  await repo.git("push", "--quiet", remote, "--delete", "staging");
  await card(page, "Staging", "The branch was deleted").waitFor();
  await look(page, "board", { ready: "text=The branch was deleted" });
});

test("nothing was refused by the page's own policy, and axe finds nothing", () => {
  for (const [name, one] of Object.entries({ owner, mia, paul, max })) assert.deepEqual(one.wrong, [], name);
  assert.deepEqual(findings, []);
  assert.ok(production);
});
