// What AI proposes where the work is: a permission profile from an owner's sentence, and an edit in the IDE for a member
// with exactly that permission. Neither is carried out by itself.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { holder } from "./held.mjs";
import { repository, startMail, startStoa, until } from "./stoa.mjs";
import { done, joinAs, setUp, workshop } from "./team.mjs";

const W = "/acme";
const CANARY = "canary-Quiet-Lantern-4711";
let mail, stoa, browser, owner, editor, repo, provider, instance;

/** Speaks as OpenAI's server does, and answers in the forms that it is told. */
async function startProvider() {
  const asked = [];
  const { hold, release, keeps } = holder();
  const server = http.createServer(async (request, answer) => {
    let body = "";
    for await (const piece of request) body += piece;
    const { messages } = JSON.parse(body);
    const [system, prompt] = [messages[0].content, messages.at(-1).content];
    asked.push(prompt);
    const mark = /<(?:text|profile)-([0-9a-f]{16})>/.exec(system)?.[1];
    const staging = /^(i\d+) "guestbook-staging"/m.exec(prompt)?.[1];
    const part = prompt.match(/<part-[0-9a-f]+>\n([\s\S]*?)\n<\/part-/)?.[1];
    const words = part
      ? `It says so at the end, and changes nothing of \`app.py\` besides.\n\n<text-${mark}>\n${part}\nprint("a greeting")\n</text-${mark}>`
      : `Reads the logs of \`guestbook-staging\` and restarts it.\n<profile-${mark}>\nview_logs\nrestart_instances\n${staging}\nfly\n</profile-${mark}>`;
    answer.writeHead(200, { "content-type": "text/event-stream" });
    const send = (value) => answer.write(`data: ${JSON.stringify(value)}\n\n`);
    for (const content of words.match(/[\s\S]{1,12}/g))
      send({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
    if (await keeps(answer)) return;
    send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    answer.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port: server.address().port, asked, hold, release, stop };
}

const made = (...asked) => done(owner.page, ...asked);

const profileOf = ({ id }) => made("GET", `/workspaces/acme/members/${id}/permissions`);

before(async () => {
  mail = await startMail();
  provider = await startProvider();
  stoa = await startStoa({ mail, environment: { STOA_EGRESS_ALLOW: `127.0.0.1:${provider.port}` } });
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const { server, project, remote } = await workshop(owner.page, { project: "Guestbook" });
  await repo.git("push", "--quiet", remote, "HEAD:main");
  instance = await made("POST", "/workspaces/acme/instances", {
    name: "guestbook-staging",
    project: project.id,
    server: server.id,
    stage: "staging",
    branch: "main",
    environment: [{ name: "PAY_KEY", value: CANARY, secret: true }],
  });
  const email = "erik@example.com";
  await made("POST", "/workspaces/acme/invitations", { email });
  const letter = await mail.to(email);
  const someone = await person(browser, stoa.origin);
  await someone.page.goto(letter.text.match(/https?:\/\/\S+\/invitations\/\S+/)[0]);
  await joinAs(someone.page, "Erik Editor", "acme");
  const { items } = await made("GET", `/workspaces/acme/members?q=${encodeURIComponent(email)}`);
  editor = { ...someone, id: items[0].id };
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
  await repo?.remove();
  provider?.stop();
});

async function open() {
  const { page } = owner;
  await page.goto(`${W}/members`);
  const row = page.getByRole("row", { name: /Erik Editor/ });
  await row
    .getByRole("button", { name: /permissions/i })
    .first()
    .click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("heading", { name: "Permissions of Erik Editor" }).waitFor();
  return dialog;
}

test("without a provider an owner is told where to choose one", async () => {
  const dialog = await open();
  await dialog.getByText("to have permissions proposed from a sentence").waitFor();
  assert.equal(await dialog.getByLabel("Describe what this member is to do").count(), 0);
  const base_url = `http://127.0.0.1:${provider.port}/v1`;
  await made("PUT", "/workspaces/acme/ai", { provider: "custom", model: "tiny", base_url, api_key: "sk-0123456789" });
});

test("an owner has a profile proposed, sees it as a difference, and nothing is saved before Save", async () => {
  const dialog = await open();
  const { page } = owner;
  await dialog.getByLabel("Describe what this member is to do").fill("tests staging and reads its logs");
  await page.keyboard.press("Enter");
  await dialog.getByText("nothing is saved before you save it").waitFor();
  await dialog.getByText("Left out, because there is no such thing: “fly”.").waitFor();
  await dialog.getByRole("switch", { name: "Logs" }).and(dialog.locator(":checked")).waitFor();
  await dialog.getByText("Will change").waitFor();
  await look(page, "profile-proposed", { ready: "text=filled in as a draft" });
  assert.ok(provider.asked[0].includes("tests staging and reads its logs"));
  assert.ok(!provider.asked[0].includes(instance.id));
  assert.deepEqual((await profileOf(editor)).actions, []);
  await dialog.getByRole("button", { name: "Save 3 changes" }).click();
  await dialog.waitFor({ state: "detached" });
  const saved = await profileOf(editor);
  assert.deepEqual([saved.actions.sort(), saved.instances], [["restart_instances", "view_logs"], [instance.id]]);
});

test("a profile that is being proposed ends with Stop and with its dialog, at the provider too", async () => {
  for (const leave of ["Stop", "Close"]) {
    const dialog = await open();
    const { reached, left } = provider.hold();
    await dialog.getByLabel("Describe what this member is to do").fill("reads everything");
    await owner.page.keyboard.press("Enter");
    await reached();
    await dialog.getByRole("button", { name: "Stop", exact: true }).waitFor();
    await dialog.getByRole("button", { name: leave, exact: true }).last().click();
    await left();
    if (leave === "Stop") await dialog.getByText("Stopped.").waitFor();
  }
  provider.release();
});

test("a member with exactly the IDE has an edit proposed, accepts one and refuses one", async () => {
  await made("PUT", `/workspaces/acme/members/${editor.id}/permissions`, {
    actions: ["use_ide"],
    projects: [],
    instances: [instance.id],
    servers: [],
  });
  await until(
    "the instance runs",
    async () => (await made("GET", `/workspaces/acme/instances/${instance.slug}`)).status === "running",
    120,
  );
  const { page } = editor;
  await page.goto(`${W}/instances/${instance.slug}/ide`);
  await page.getByRole("treeitem", { name: /app\.py/ }).click({ timeout: 60_000 });
  const text = page.locator(`.cm-content[aria-label="app.py"]`);
  await text.click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText(`KEY = "${CANARY}"\n`);
  await page.getByRole("button", { name: "Edit with AI" }).click();
  const assistant = page.getByRole("complementary", { name: "Assistant" });
  const wish = assistant.getByLabel("What is to be changed");
  // The first line alone.
  await page.keyboard.press("Escape");
  await text.click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("Shift+ArrowDown");
  await assistant.getByText("Line 1 of app.py.").waitFor();
  await wish.fill("Say a greeting below the key");
  await page.keyboard.press("Enter");
  await assistant.getByRole("button", { name: "Accept" }).waitFor();
  await assistant.getByText("+1", { exact: false }).first().waitFor();
  await look(page, "edit-proposed", { ready: "text=Nothing is changed until you accept" });
  const asked = provider.asked.at(-1);
  assert.ok(asked.includes("app.py") && asked.includes("Say a greeting"), asked);
  assert.ok(!asked.includes("Quiet-Lantern"), "a secret has left");
  assert.ok(!(await text.textContent()).includes("a greeting"));
  // Put away and taken out again, it is still there.
  await assistant.getByRole("button", { name: "Close the assistant" }).click();
  await assistant.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Edit with AI" }).click();
  await assistant.getByRole("button", { name: "Accept" }).click();
  await assistant.getByText("it stands in the editor").waitFor();
  await until("it stands in the editor", async () =>
    (await text.textContent()).includes(`KEY = "${CANARY}"print("a greeting")`),
  );
  // Nothing is on the disk before it is saved.
  await page.getByRole("img", { name: "Not saved" }).waitFor();
  const onDisk = () =>
    page.evaluate(
      async (path) => (await fetch(path, { headers: { Accept: "application/octet-stream" } })).text(),
      `/api/v1/workspaces/acme/instances/${instance.id}/files/app.py`,
    );
  assert.ok(!(await onDisk()).includes("a greeting"));
  await text.click();
  await page.keyboard.press("Control+z");
  await until("it is taken back", async () => !(await text.textContent()).includes("a greeting"));
  await wish.fill("Say it again");
  await page.keyboard.press("Enter");
  await assistant.getByRole("button", { name: "Refuse" }).click();
  await assistant.getByText("Refused: nothing was changed.").waitFor();
  assert.ok(!(await text.textContent()).includes("a greeting"));
  // What was typed since is written over by nobody.
  await wish.fill("Once more");
  await page.keyboard.press("Enter");
  await assistant.getByRole("button", { name: "Accept" }).waitFor();
  await text.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# mine");
  await assistant.getByRole("button", { name: "Accept" }).click();
  await assistant.getByText("was changed since this was proposed").waitFor();
  assert.ok((await text.textContent()).includes("# mine"));
  // What is under way ends with Stop, and with the page.
  for (const leave of [
    () => assistant.getByRole("button", { name: "Stop", exact: true }).click(),
    async () => {
      await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Overview" }).click();
      await page.getByRole("button", { name: /^Discard|^Leave/ }).click();
    },
  ]) {
    const { reached, left } = provider.hold();
    await wish.fill("And another");
    await page.keyboard.press("Enter");
    await reached();
    await assistant.getByRole("button", { name: "Stop", exact: true }).waitFor();
    await leave();
    await left();
  }
  provider.release();
});

test("nothing was found wrong with any of it", () => {
  assert.deepEqual(findings, []);
  for (const someone of [owner, editor]) assert.deepEqual(someone.wrong, []);
});
