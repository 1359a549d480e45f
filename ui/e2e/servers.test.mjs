// A machine elsewhere becomes a server by one command: the page shows it once, sees the machine come, and sees it go.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { binary, ownEnvironment, repository, startStoa, until } from "./stoa.mjs";
import { ask, deployed, done, setUp } from "./team.mjs";

let stoa, browser, folder, agent, repo;

function startAgent(...more) {
  const state = join(folder, "state");
  agent = spawn(binary, ["agent", "--state", state, ...more], { env: ownEnvironment, stdio: "ignore" });
}

async function endAgent() {
  if (agent?.exitCode !== null) return;
  agent.kill("SIGTERM");
  await once(agent, "exit");
}

after(async () => {
  if (agent) await endAgent();
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("a machine joins by a command that is shown once, and is seen to come and go", async () => {
  folder = await mkdtemp(join(tmpdir(), "stoa-e2e-agent-"));
  stoa = await startStoa();
  browser = await startBrowser();
  const { page } = await person(browser, stoa.origin);
  await setUp(page, stoa.setupLink);
  await done(page, "POST", "/workspaces", { name: "Acme" }, 201);
  await page.goto("/acme/servers");
  await page.getByRole("button", { name: "Add server" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Another machine").click();
  await dialog.getByLabel("Name").fill("Far away");
  await look(page, "server-add", { ready: "text=Show the command" });
  await dialog.getByRole("button", { name: "Show the command" }).click();
  const command = dialog.locator("pre");
  await command.waitFor();
  const first = await command.textContent();
  assert.match(first, /^stoa agent --join http\S+\/join\/\S+#[0-9a-f]{64}$/);
  await look(page, "server-join", { ready: "text=Waiting for the machine." });
  await dialog.getByText(/1[45] min \d\d s left/).waitFor();
  await dialog.getByRole("button", { name: "Make the command anew" }).click();
  await page.waitForFunction((before) => document.querySelector("[role=dialog] pre")?.textContent !== before, first);
  const address = (await command.textContent()).split(" ").at(-1);

  startAgent("--join", address);
  await dialog.getByText(/^Far away is connected: \d+ cores\.$/).waitFor();
  assert.equal(await command.count(), 0, "nobody needs it any more");
  await look(page, "server-joined", { ready: "text=is connected" });
  await dialog.getByRole("button", { name: "Done" }).click();
  const row = page.getByRole("row", { name: /Far away/ });
  await row.getByText(/^(Connected|(Disk|Memory) nearly full)$/).waitFor();

  // An instance there.
  const server = await done(page, "GET", "/workspaces/acme/servers/far-away", undefined, 200);
  const project = await done(page, "POST", "/workspaces/acme/projects", { name: "Site" }, 201);
  const { token } = await done(page, "POST", "/me/tokens", { name: "laptop" }, 201);
  const remote = Object.assign(new URL(project.repository.url), { username: "anna", password: token });
  repo = await repository("site");
  await repo.git("push", "--quiet", remote.href, "main");
  await deployed(page, { server, project }, { name: "Site", stage: "staging" });

  // Away, and back, without anybody doing anything on the page.
  await endAgent();
  await row.getByText("Not reached").waitFor();
  await row.getByText(/last there/).waitFor();
  await look(page, "servers-away", { ready: "text=Not reached" });
  // How what is there is, nobody knows: it isn't said to run.
  await page.goto("/acme/instances");
  await page.getByRole("row", { name: /Site/ }).getByText("Server not reached").waitFor();
  await page.goto("/acme/instances/site");
  await page.getByText(/nobody knows how it is now\. Last known: Running/).waitFor();
  await look(page, "instance-away", { ready: "text=Server not reached" });
  await page.goto("/acme/servers/far-away");
  await page.getByText(/Its agent dials again by itself/).waitFor();
  await look(page, "server-away", { ready: "text=Last there" });
  startAgent();
  await page
    .getByText(/^(Connected|(Disk|Memory) nearly full)$/)
    .first()
    .waitFor();

  // And by itself it is known again.
  await page.goto("/acme/instances/site");
  await page.getByText("Running", { exact: true }).first().waitFor();
  assert.equal(await page.getByText("Server not reached").count(), 0);
  await done(page, "DELETE", "/workspaces/acme/instances/site", { confirm: "Site" }, 202);
  const isGone = async () => (await ask(page, "GET", "/workspaces/acme/instances/site")).status === 404;
  await until("its deletion", isGone, 60);

  // One that waits can be connected from its own page.
  await done(page, "POST", "/workspaces/acme/servers", { name: "Waits" }, 201);
  await page.goto("/acme/servers/waits");
  await page.getByRole("button", { name: "Show the command" }).click();
  await page.locator("pre").waitFor();
  await look(page, "server-waiting", { ready: "text=Waiting for the machine." });

  // A machine that is lost: its server goes, and it is refused from then on.
  await endAgent();
  await page.goto("/acme/servers/far-away");
  await page.getByRole("button", { name: "It never comes back…" }).click();
  const forgetting = page.getByRole("dialog", { name: /^Remove Far away with its instances/ });
  await forgetting.getByRole("textbox").fill("Far away");
  await look(page, "server-forget", { ready: "role=dialog" });
  await forgetting.getByRole("button", { name: "Remove for good" }).click();
  await page.waitForURL("/acme/servers");
  await page.getByRole("row", { name: /Waits/ }).waitFor();
  assert.equal(await page.getByRole("row", { name: /Far away/ }).count(), 0);
  assert.deepEqual(findings, []);
});
