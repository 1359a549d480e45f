// AI: the settings by their owner, a provider that answers and one that refuses, and explanations that stop when their
// reader does.

import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { failing, findings, look, person, startBrowser } from "./browser.mjs";
import { holder } from "./held.mjs";
import { repository, startMail, startStoa, until } from "./stoa.mjs";
import { done, joinAs, setUp, workshop } from "./team.mjs";

const W = "/acme";
const KEY = "sk-proj-0123456789ab9f3c";
const CANARY = "canary-Quiet-Lantern-4711";
let mail, stoa, browser, owner, reader, repo, provider, failed, instance;

/** A server that speaks as OpenAI's does: the real form, with words of the test's own. */
async function startProvider() {
  const asked = [];
  const { hold, release, keeps } = holder();
  const server = http.createServer(async (request, answer) => {
    let body = "";
    for await (const piece of request) body += piece;
    if (request.headers.authorization !== `Bearer ${KEY}`) {
      answer.writeHead(401, { "content-type": "application/json" });
      return answer.end(JSON.stringify({ error: { message: "Incorrect API key provided.", code: "invalid_api_key" } }));
    }
    if (request.url === "/v1/models") {
      answer.writeHead(200, { "content-type": "application/json" });
      const data = ["tiny-1", "tiny-2", "large-1"].map((id) => ({ id, object: "model" }));
      return answer.end(JSON.stringify({ object: "list", data }));
    }
    const { messages } = JSON.parse(body);
    const prompt = messages.at(-1).content;
    asked.push({ prompt, whole: body });
    answer.writeHead(200, { "content-type": "text/event-stream" });
    const send = (value) => answer.write(`data: ${JSON.stringify(value)}\n\n`);
    const say = (content) => send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    const line = prompt.match(/^L(\d+) .*pg_config/m)?.[1];
    const words = line
      ? `## What happened\nThe commit adds \`psycopg2\`, which is compiled while installing and needs PostgreSQL's headers [L${line}] [L9999].\n\n## What to try\n1. Use \`psycopg2-binary\`, which is built already.\n2. Or install \`libpq-dev\` on the server.`
      : prompt.includes("Ready.")
        ? "Ready. I can read logs and differences."
        : "## What happened\nThe application started and answers [L1].\n\n## What to try\n1. Nothing; it works.";
    for (const piece of words.match(/[\s\S]{1,12}/g)) say(piece);
    if (await keeps(answer)) return;
    send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    send({ choices: [], usage: { prompt_tokens: 24, completion_tokens: 7, total_tokens: 31 } });
    answer.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: server.address().port,
    asked,
    hold,
    release,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const made = (...asked) => done(owner.page, ...asked);

before(async () => {
  mail = await startMail();
  provider = await startProvider();
  stoa = await startStoa({ mail, environment: { STOA_EGRESS_ALLOW: `127.0.0.1:${provider.port}` } });
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  const { server, project, remote } = await workshop(page, { project: "guestbook" });
  await repo.git("remote", "add", "stoa", remote);
  await repo.git("push", "--quiet", "stoa", "main");
  instance = await made("POST", "/workspaces/acme/instances", {
    name: "shop",
    project: project.id,
    server: server.id,
    stage: "staging",
    branch: "main",
    environment: [{ name: "PAY_KEY", value: CANARY, secret: true }],
  });
  const newest = async () => (await made("GET", `/workspaces/acme/instances/${instance.id}/deployments`)).items[0];
  await until("the first deployment", async () => (await newest()).status === "succeeded", 90);
  const check = [
    "import os, sys",
    'print("Collecting psycopg2==2.9.9")',
    'print("by", os.environ.get("PAY_KEY"))',
    'print("  error: subprocess-exited-with-error", file=sys.stderr)',
    'print("  Error: pg_config executable not found.", file=sys.stderr)',
    "sys.exit(1)",
  ];
  await writeFile(join(repo.folder, "check.py"), `${check.join("\n")}\n`);
  await writeFile(
    join(repo.folder, "stoa.toml"),
    '[release]\ncommand = ["python3", "check.py"]\n[run]\ncommand = ["python3", "app.py"]\n',
  );
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "--all", "--message=Add purchase approvals");
  await repo.git("push", "--quiet", "stoa", "main");
  failed = await until(
    "the failed deployment",
    async () => {
      const one = await newest();
      return one.status === "failed" && one;
    },
    90,
  );
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
  await repo?.remove();
  provider?.stop();
});

const deployment = () => `${W}/instances/shop/deployments/${failed.id}`;

test("without a provider nothing is offered, and an owner is told where to choose one", async () => {
  const { page } = owner;
  await page.goto(deployment());
  await page.getByText("to have failures explained here").waitFor();
  assert.equal(await page.getByRole("button", { name: "Explain" }).count(), 0);
  await page.getByRole("link", { name: "Choose an AI provider" }).click();
  await page.getByRole("heading", { name: "AI", exact: true }).waitFor();
  await page.getByText("Nothing was asked yet").waitFor();
  await page.getByText("password removed").first().waitFor();
  await look(page, "ai-empty", { ready: "text=password removed" });
});

test("a provider is chosen, its key is kept and never shown, and its own words tell what is wrong", async () => {
  const { page } = owner;
  await page.getByLabel("Custom").check();
  await page.getByLabel("Base URL").fill("http://127.0.0.1:1/v1");
  await page.getByRole("combobox", { name: "Model" }).or(page.getByLabel("Model")).first().fill("tiny-1");
  await page.getByLabel("API key").fill("sk-wrong-0123456789");
  await page.getByRole("button", { name: "Save" }).click();
  // A private address that nobody has listed.
  await page.getByText("is a private address").waitFor();
  await look(page, "ai-refused", { ready: "text=is a private address" });
  // A question that fails takes nothing away that was typed.
  const readable = await failing(page, "**/api/v1/workspaces/acme/ai");
  await made("PATCH", "/workspaces/acme", { name: "Acme Works" });
  await until("it is asked for, in vain", () => readable.asked > 0);
  await page.getByText("Acme Works").first().waitFor();
  await readable();
  assert.equal(await page.getByLabel("API key").inputValue(), "sk-wrong-0123456789");
  await made("PATCH", "/workspaces/acme", { name: "Acme" });
  await page.getByLabel("Base URL").fill(`http://127.0.0.1:${provider.port}`);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("group", { name: "API key" }).getByText("6789").waitFor();
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText(/^The provider answered 401: “Incorrect API key provided”/).waitFor();
  await look(page, "ai-test-failed", { ready: "text=Incorrect API key provided" });
  await page.getByRole("button", { name: "Replace" }).click();
  await page.getByLabel("API key").fill(KEY);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("group", { name: "API key" }).getByText("9f3c").waitFor();
  await page.getByText("The provider offers 3 with this key").waitFor();
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText("Ready. I can read logs and differences.").waitFor();
  await page.getByText("31 tokens").waitFor();
  await page.getByRole("table", { name: "Usage by member" }).getByText("Anna Lindqvist").waitFor();
  await look(page, "ai", { ready: "text=The provider answered in" });
  assert.ok(!(await page.content()).includes(KEY));
  // It is of what is saved: with another model, address or key in the fields it says nothing.
  const told = page.getByText("The provider answered in");
  const model = page.getByRole("combobox", { name: "Model" }).or(page.getByLabel("Model")).first();
  for (const [field, other] of [
    [model, "tiny-2"],
    [page.getByLabel("Base URL"), "http://127.0.0.1:2/v1"],
  ]) {
    const saved = await field.inputValue();
    await field.fill(other);
    await told.waitFor({ state: "detached" });
    await field.fill(saved);
    await told.waitFor();
  }
  await page.getByLabel("OpenAI", { exact: true }).check();
  await told.waitFor({ state: "detached" });
  await page.getByLabel("Custom").check();
  await told.waitFor();
  await page.getByRole("button", { name: "Replace" }).click();
  await page.getByLabel("API key").fill("sk-another");
  await told.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Keep the old key" }).click();
});

test("a text of one's own is cleaned by the server", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: "Try a text of your own" }).click();
  await page.getByLabel("A text of your own").fill(`using ${KEY} for https://anna:hush@shop.example/`);
  await page.getByText("secret removed").waitFor();
  const shown = await page.getByRole("region", { name: "What the provider would get" }).textContent();
  assert.ok(!shown.includes(KEY) && !shown.includes("hush"), shown);
});

test("a failed deployment is explained beside its log, with the lines that show it", async () => {
  const { page } = owner;
  await page.goto(deployment());
  await page.getByRole("button", { name: "Explain" }).click();
  const panel = page.getByRole("complementary", { name: "Explanation" });
  await panel.getByText("It can be wrong; nothing was changed").waitFor();
  await panel.getByRole("heading", { name: "What to try" }).waitFor();
  assert.equal(await panel.getByText("9999").count(), 0);
  await look(page, "explained", { ready: "text=Evidence" });
  const evidence = panel.getByRole("listitem").filter({ hasText: "pg_config" }).getByRole("link");
  await evidence.click();
  await page.locator('[data-level="error"]', { hasText: "pg_config" }).first().waitFor();
  assert.match(new URL(page.url()).hash, /^#\d+-\d+$/);
  const { whole } = provider.asked.at(-1);
  assert.ok(whole.includes("by [secret removed]"), whole);
  assert.ok(!whole.includes(CANARY) && !whole.includes(KEY));
});

test("a line that is clicked is in sight already: the page stays where it is", async () => {
  const { page } = owner;
  await page.setViewportSize({ width: 1440, height: 420 });
  await page.goto(deployment());
  const log = page.getByRole("log");
  const line = log.getByRole("button").nth(1);
  await line.waitFor();
  const { y, height } = await log.boundingBox();
  assert.ok(y + height > 420, "the log doesn't end within the window");
  await line.evaluate((one) => one.click());
  await page.getByRole("group", { name: "Chosen lines" }).waitFor({ state: "attached" });
  await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
  assert.equal(await page.evaluate(() => scrollY), 0);
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("Stop ends it, at the provider too; and so does leaving the page", async () => {
  const { page } = owner;
  const panel = page.getByRole("complementary", { name: "Explanation" });
  try {
    for (const leave of [
      () => panel.getByRole("button", { name: "Stop" }).click(),
      () => page.getByRole("link", { name: "Overview" }).first().click(),
    ]) {
      const { reached, left } = provider.hold();
      await page.goto(deployment());
      await page.getByRole("button", { name: "Explain" }).click();
      await reached().catch(async ({ message }) => {
        throw new Error(`${message}: ${await page.getByRole("main").textContent()}`);
      });
      await panel.getByRole("heading", { name: "What happened" }).waitFor();
      await leave();
      await left();
    }
  } finally {
    // Else all that follow would wait, too.
    provider.release();
  }
});

test("a stretch of the log is explained beside it", async () => {
  const { page } = owner;
  await page.goto(`${W}/instances/shop/logs`);
  const lines = page.getByRole("log").getByRole("button");
  await lines.first().click();
  await lines.nth(1).click({ modifiers: ["Shift"] });
  await page.getByRole("group", { name: "Chosen lines" }).getByRole("button", { name: "Explain" }).click();
  const panel = page.getByRole("complementary", { name: "Explanation" });
  await panel.getByRole("paragraph").filter({ hasText: "The application started and answers" }).waitFor();
  await panel.getByText("By AI from 2 log lines").waitFor();
  await look(page, "explained-log", { ready: "text=By AI from 2 log lines" });
  await panel.getByRole("button", { name: "Close the explanation" }).click();
  await panel.waitFor({ state: "detached" });
});

test("a member who may read logs has them explained, and sees nothing of the settings", async () => {
  await made("POST", "/workspaces/acme/invitations", { email: "rita@example.com" });
  const letter = await mail.to("rita@example.com");
  const link = letter.text.match(/^http\S+\/invitations\/\S+$/m)[0];
  reader = await person(browser, stoa.origin);
  const { page } = reader;
  await page.goto(link);
  await joinAs(page, "Rita Reader", "acme");
  const members = await made("GET", "/workspaces/acme/members?q=rita");
  await made("PUT", `/workspaces/acme/members/${members.items[0].id}/permissions`, {
    actions: ["view_logs"],
    projects: [],
    instances: [instance.id],
    servers: [],
  });
  await page.goto(deployment());
  await page.getByRole("button", { name: "Explain" }).click();
  await page.getByText("It can be wrong; nothing was changed").waitFor();
  await look(page, "explained-member", { ready: "text=Evidence" });
  await page.goto(`${W}/settings/ai`);
  await page.getByRole("heading", { name: "You may not open this" }).waitFor();
  const usage = await made("GET", "/workspaces/acme/ai/usage");
  assert.ok(usage.members.some(({ name, requests }) => name === "Rita Reader" && requests === 1));
});

test("turned off, it is gone for everybody", async () => {
  const { page } = owner;
  await reader.page.goto(deployment());
  await reader.page.getByRole("button", { name: "Explain" }).waitFor();
  await page.goto(`${W}/settings/ai`);
  await page.getByRole("button", { name: "Turn AI off" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove provider and key" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Turn AI off" }).waitFor({ state: "detached" });
  await reader.page.getByRole("button", { name: "Explain" }).waitFor({ state: "detached" });
});

test("nothing was logged as an error, and axe found nothing", () => {
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(reader.wrong, []);
  assert.deepEqual(findings, []);
});
