// A repository that lives elsewhere: connected by ssh with the key that Stoa made, refused when its host changes, told by a
// webhook, and seen by a member without the way to change it. Killed in the middle of a fetch, its mirror is whole.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { freePort, repository, spawned, startMail, startStoa, until } from "./stoa.mjs";
import { ask, joinAs, setUp } from "./team.mjs";

const W = "/acme";
let mail, stoa, browser, owner, mia, repo, host, slow, bare;

const api = (method, path, body) => ask(owner.page, method, `/workspaces/acme${path}`, body);

/** A real sshd, with keys of its own. */
async function startHost() {
  const folder = await mkdtemp(join(tmpdir(), "stoa-sshd-"));
  const port = await freePort();
  let server;
  const run = async () => {
    await rm(join(folder, "host"), { force: true });
    await spawned("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "host")]);
    await mkdir("/run/sshd", { recursive: true }).catch(() => {});
    const lines = [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${folder}/host`,
      `AuthorizedKeysFile ${folder}/keys`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin prohibit-password",
    ];
    await writeFile(join(folder, "config"), `${lines.join("\n")}\n`);
    server = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", join(folder, "config")], { stdio: "ignore" });
    await until("sshd", async () => {
      const socket = connect(port, "127.0.0.1");
      const answered = await Promise.race([once(socket, "connect"), once(socket, "error")]).then(
        () => !socket.errored,
        () => false,
      );
      socket.destroy();
      return answered;
    });
  };
  const stop = async () => {
    server.kill("SIGKILL");
    await once(server, "exit");
  };
  await run();
  return {
    port,
    url: (path) => `ssh://${userInfo().username}@127.0.0.1:${port}${path}`,
    letIn: (key) => writeFile(join(folder, "keys"), `${key}\n`),
    async change() {
      await stop();
      await run();
    },
    async stop() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Git's own server over HTTP, which stops in the middle of a pack while it is told to. */
async function startSlow(folder) {
  const state = { hangs: false, hung: 0 };
  const server = http.createServer(async (request, answer) => {
    const url = new URL(request.url, "http://x");
    const body = [];
    for await (const piece of request) body.push(piece);
    const sent = Buffer.concat(body);
    const child = spawn("git", ["-c", "safe.directory=*", "http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: "1",
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        CONTENT_LENGTH: String(sent.length),
        GIT_PROTOCOL: request.headers["git-protocol"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      },
    });
    // A client that was killed in the middle of a fetch has git end before it has read everything.
    child.stdin.on("error", (failure) => {
      if (failure.code !== "EPIPE") throw failure;
    });
    child.stdin.end(sent);
    const out = [];
    for await (const piece of child.stdout) out.push(piece);
    const whole = Buffer.concat(out);
    const end = whole.indexOf("\r\n\r\n");
    const head = whole.subarray(0, end).toString().split("\r\n");
    const rest = whole.subarray(end + 4);
    for (const line of head) {
      const [name, value] = line.split(": ");
      if (name.toLowerCase() !== "status") answer.setHeader(name, value);
    }
    if (state.hangs && sent.includes("command=fetch")) {
      answer.write(rest.subarray(0, rest.length / 2));
      state.hung += 1;
      return;
    }
    answer.end(rest);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    state,
    port: server.address().port,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

before(async () => {
  mail = await startMail();
  repo = await repository("guestbook");
  bare = join(await mkdtemp(join(tmpdir(), "stoa-there-")), "shop.git");
  await repo.git("clone", "--quiet", "--bare", repo.folder, bare);
  host = await startHost();
  slow = await startSlow(join(bare, ".."));
  const allow = `127.0.0.1:${host.port},127.0.0.1:${slow.port}`;
  stoa = await startStoa({ mail, environment: { STOA_EGRESS_ALLOW: allow } });
  browser = await startBrowser();
  [owner, mia] = await Promise.all([1, 2].map(() => person(browser, stoa.origin)));
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
  slow?.stop();
  await host?.stop();
  await repo?.remove();
  if (bare) await rm(join(bare, ".."), { recursive: true, force: true });
});

async function commit(text) {
  await writeFile(join(repo.folder, "notes.txt"), text);
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "--message=Notes for the team");
  await repo.git("push", "--quiet", bare, "HEAD:main");
}

const remoteOf = async (slug) => (await api("GET", `/projects/${slug}/remote`)).body;

test("the first start shows three ways, and connects a repository with the key that Stoa made", async () => {
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  await ask(page, "POST", "/workspaces", { name: "Acme" });
  await page.goto(`${W}/start`);
  const card = page.getByRole("region", { name: "Connect a repository" });
  await card.getByLabel("Repository URL").fill("http://192.168.1.1/x.git");
  await card.getByRole("button", { name: "Connect" }).click();
  await card.getByText("private address").waitFor();
  await card.getByLabel("Repository URL").fill(host.url(bare));
  await card.getByText("Stoa makes a deploy key for it").waitFor();
  await look(page, "first-start-connect", { ready: "text=Connect a repository" });
  await card.getByRole("button", { name: "Connect" }).click();
  await card.getByText("Stoa made this deploy key").waitFor();
  await card.getByText("The repository refuses the credential").waitFor();
  await look(page, "first-start-key", { ready: "text=Stoa made this deploy key" });
});

test("once the key is let in it is fetched, and the board has its branches", async () => {
  const { page } = owner;
  const { public_key } = await remoteOf("shop");
  await host.letIn(public_key);
  await page.goto(`${W}/projects/shop/settings`);
  const connection = page.getByRole("region", { name: "Connection" });
  await page.getByRole("region", { name: "Deploy key" }).getByText(public_key).waitFor();
  await connection.getByRole("button", { name: "Test the connection" }).click();
  await connection.getByText("It answers: one branch.").waitFor();
  await connection.getByRole("button", { name: "Fetch now" }).click();
  await connection.getByText("Fetched").waitFor();
  await look(page, "project-remote", { ready: "text=Key of the host" });
  await page.goto(`${W}/projects/shop`);
  await page.getByRole("region", { name: "Development" }).getByRole("article").filter({ hasText: "main" }).waitFor();
  await page.getByText("127.0.0.1, fetched").waitFor();
});

test("a webhook is made, its secret shown once, and what is pushed then is here", async () => {
  const { page } = owner;
  await page.goto(`${W}/projects/shop/settings`);
  await page.getByRole("button", { name: "Make a webhook" }).click();
  const dialog = page.getByRole("dialog", { name: "The webhook is made" });
  await dialog.getByText("The secret isn't shown again.").waitFor();
  const [url, secret] = await dialog.locator("pre").allInnerTexts();
  await look(page, "webhook", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "I have kept the secret" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(await page.getByText(secret).count(), 0);
  await commit("one\n");
  const call = (token) => fetch(url, { method: "POST", headers: { "x-gitlab-token": token }, body: "{}" });
  assert.equal((await call("wrong")).status, 401);
  assert.equal((await call(secret)).status, 204);
  await until("the commit", async () => {
    const { body } = await api("GET", "/projects/shop/commits");
    return body.items[0].subject === "Notes for the team";
  });
  await page.getByText("Last called").waitFor();
  await page.getByRole("button", { name: "Make another…" }).click();
  const question = page.getByRole("dialog", { name: "Replace the webhook?" });
  await question.getByText("The address and the secret in use end at once.").waitFor();
  await look(page, "webhook-replaced", { ready: "role=dialog" });
  // Whoever only looked has changed nothing.
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "detached" });
  assert.equal((await call(secret)).status, 204);
  await page.getByRole("button", { name: "Make another…" }).click();
  await question.getByRole("button", { name: "Make another" }).click();
  await dialog.waitFor();
  const [other, otherSecret] = await dialog.locator("pre").allInnerTexts();
  await dialog.getByRole("button", { name: "I have kept the secret" }).click();
  assert.equal((await call(secret)).status, 404);
  const headers = { "x-gitlab-token": otherSecret };
  assert.equal((await fetch(other, { method: "POST", headers, body: "{}" })).status, 204);
});

test("a push from the IDE arrives at the remote, and one to Stoa's own address is refused", async () => {
  const { page } = owner;
  const server = (await api("GET", "/servers")).body.items[0];
  const wish = { name: "Shop", project: "shop", server: server.id, stage: "staging", branch: "main" };
  const project = (await api("GET", "/projects/shop")).body;
  const made = await api("POST", "/instances", { ...wish, project: project.id });
  assert.equal(made.status, 202, JSON.stringify(made.body));
  const path = `/instances/${made.body.id}`;
  await until("the instance", async () => (await api("GET", path)).body.status === "running", 90);
  const opened = await api("POST", `${path}/desk`, {});
  assert.ok(opened.status < 300, JSON.stringify(opened.body));
  const saved = await page.evaluate(
    async ([url]) =>
      (
        await fetch(url, {
          method: "PUT",
          headers: { "content-type": "application/octet-stream" },
          body: "from the IDE\n",
        })
      ).status,
    [`/api/v1/workspaces/acme${path}/files/idea.txt`],
  );
  assert.ok(saved < 300, String(saved));
  const committed = await api("POST", `${path}/git/commit`, { message: "From the IDE", all: true });
  assert.ok(committed.status < 300, JSON.stringify(committed.body));
  const pushed = await api("POST", `${path}/git/push`, {});
  assert.equal(pushed.status, 200, JSON.stringify(pushed.body));
  const there = await repo.git("--git-dir", bare, "log", "-1", "--format=%H %an %s", "main");
  assert.equal(there.trim(), `${pushed.body.commit} Anna Lindqvist From the IDE`);
  await until("the deployment", async () => (await api("GET", `${path}/deployments`)).body.items.length === 2);
  // Somebody pushes there in between: nothing of it is lost, and whoever pushes second is told.
  await repo.git("pull", "--quiet", "--ff-only", bare, "main");
  await commit("in between\n");
  await api("POST", `${path}/git/commit`, { message: "Nothing", all: true });
  const token = (await ask(page, "POST", "/me/tokens", { name: "git" })).body.token;
  const own = `http://x:${token}@127.0.0.1:${stoa.port}/git/acme/shop.git`;
  await assert.rejects(
    () => repo.git("push", "--quiet", own, "HEAD:main"),
    /The repository of this project is elsewhere/,
  );
  // Fetched from there it may be, as from any other.
  await repo.git("fetch", "--quiet", own, "main");
});

test("a host that shows another key is refused, until the new one is accepted", async () => {
  const { page } = owner;
  await host.change();
  await page.goto(`${W}/projects/shop/settings`);
  await page.getByRole("button", { name: "Fetch now" }).click();
  const key = page.getByRole("region", { name: "Key of the host" });
  await key.getByText("The host now shows another key.").waitFor();
  await look(page, "host-key-changed", { ready: "text=The host now shows another key." });
  await page.goto(`${W}/projects/shop`);
  await page.getByText("The repository's host shows another key than before.").first().waitFor();
  await look(page, "board-remote-problem", { ready: "text=shows another key than before" });
  await page.goto(`${W}/projects/shop/settings`);
  await key.getByRole("button", { name: "Accept the new key…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Accept the new key" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until("a fetch", async () => (await remoteOf("shop")).status === "fetched");
  await key.getByText("The host now shows another key.").waitFor({ state: "detached" });
});

test("a member sees how it stands, and none of what opens it", async () => {
  const email = "mia@example.com";
  await api("POST", "/invitations", { email });
  const { text } = await mail.to(email);
  await mia.page.goto(text.match(/http:\/\/localhost:\d+\/invitations\/\S+/)[0]);
  await joinAs(mia.page, "Mia Member", "acme");
  const { body } = await api("GET", `/members?q=${email}`);
  const project = (await api("GET", "/projects/shop")).body;
  const profile = { actions: ["view_projects"], projects: [project.id], instances: [], servers: [] };
  await api("PUT", `/members/${body.items[0].id}/permissions`, profile);
  await mia.page.goto(`${W}/projects/shop`);
  await mia.page.getByText("127.0.0.1, fetched").waitFor();
  assert.equal(
    (await mia.page.getByRole("link", { name: "Settings", exact: true }).filter({ hasText: "Settings" }).count()) > 1,
    false,
  );
  const refused = await ask(mia.page, "GET", "/workspaces/acme/projects/shop/remote");
  assert.deepEqual([refused.status, refused.body.code], [403, "owner_required"]);
  assert.ok(!JSON.stringify(await ask(mia.page, "GET", "/workspaces/acme/projects/shop")).includes("ssh-ed25519"));
});

test("the dialog connects one by HTTPS, and a kill in the middle of a fetch leaves the mirror whole", async () => {
  const { page } = owner;
  await page.goto(`${W}/projects`);
  await page.getByRole("button", { name: "New project" }).click();
  const dialog = page.getByRole("dialog", { name: "New project" });
  await dialog.getByLabel("Name").first().fill("Slow");
  await dialog.getByText("Connect a repository").click();
  await dialog.getByLabel("Repository URL").fill(`http://127.0.0.1:${slow.port}/shop.git`);
  await dialog.getByLabel("Token").first().fill("a-token");
  await look(page, "new-project-remote", { ready: "role=dialog" });
  await dialog.getByRole("button", { name: "Connect" }).click();
  await dialog.waitFor({ state: "detached" });
  await until("a fetch", async () => (await remoteOf("slow")).status === "fetched");
  const before = (await api("GET", "/projects/slow/commits")).body.items[0].id;
  slow.state.hangs = true;
  await commit(`${"many\n".repeat(20_000)}`);
  await api("POST", "/projects/slow/remote/fetch", {});
  await until("half a pack", () => slow.state.hung > 0);
  await stoa.kill();
  slow.state.hangs = false;
  await stoa.again();
  await until("the commit", async () => (await api("GET", "/projects/slow/commits")).body.items[0].id !== before);
  const { id } = (await api("GET", "/projects/slow")).body;
  await repo.git("--git-dir", join(stoa.data, "repositories", `${id}.git`), "fsck", "--strict");
});

test("nothing was refused by the page's own policy, and axe finds nothing", () => {
  // What was open while Stoa was killed broke off.
  const wrong = ({ wrong }) =>
    wrong.filter((said) => !/ERR_(INCOMPLETE_CHUNKED_ENCODING|CONNECTION_REFUSED)/.test(said));
  for (const [name, one] of Object.entries({ owner, mia })) assert.deepEqual(wrong(one), [], name);
  assert.deepEqual(findings, []);
});
