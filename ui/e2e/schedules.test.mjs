// What runs of an instance, and what is run at its times: shown to whoever sees the instance, with what came of it.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { done, joinAs, setUp, workshop } from "./team.mjs";

const W = "/workspaces/acme";
const SCHEDULES = `
[schedules.greet]
command = ["sh", "-c", "echo hello"]
cron = "* * * * *"
[schedules.report]
command = ["sh", "-c", "exit 3"]
cron = "* * * * *"
[schedules.yearly]
command = ["true"]
cron = "0 6 1 1 *"
`;
let stoa, browser, repo;

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("schedules are shown beside the processes, with their last runs and the next", async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("guestbook");
  const { page } = await person(browser, stoa.origin);
  const call = (...asked) => done(page, ...asked);
  await setUp(page, stoa.setupLink);
  const { server, project, remote } = await workshop(page, { project: "Guestbook" });
  const settings = join(repo.folder, "stoa.toml");
  await writeFile(settings, `${await readFile(settings, "utf8")}${SCHEDULES}`);
  await repo.git("add", "--all");
  await repo.git("commit", "--quiet", "--message=With schedules");
  await repo.git("push", "--quiet", remote, "main");
  const wanted = { name: "shop", project: project.id, server: server.id, stage: "staging", branch: "main" };
  const { id } = await call("POST", `${W}/instances`, wanted, 202);
  await until(
    "it runs",
    async () => {
      const found = await call("GET", `${W}/instances/${id}`, undefined, 200);
      assert.notEqual(found.status, "failed", found.reason);
      return found.status === "running" && !found.job;
    },
    120,
  );

  // Somebody who may see the instance and do nothing with it.
  const { link } = await call("POST", `${W}/invitations`, { email: "mia@example.com" }, 201);
  const mia = await person(browser, stoa.origin);
  await mia.page.goto(link);
  await joinAs(mia.page, "Mia Member", "acme");
  const { items } = await call("GET", `${W}/members?q=mia`, undefined, 200);
  await call(
    "PUT",
    `${W}/members/${items[0].id}/permissions`,
    { actions: [], projects: [], instances: [id], servers: [] },
    200,
  );
  await mia.page.goto("/acme/instances/shop");
  const processes = mia.page.getByRole("region", { name: "Processes" });
  await processes.getByText("The application").waitFor();
  await processes.getByText("Runs", { exact: true }).waitFor();
  const schedules = mia.page.getByRole("region", { name: "Schedules" });
  const entry = (name) => schedules.getByRole("listitem").filter({ hasText: name }).first();
  await entry("yearly").getByText("0 6 1 1 *").waitFor();
  await entry("yearly").getByText("Not run yet").waitFor();
  await entry("yearly").getByText("Next run").waitFor();
  // Nothing is reloaded: what was to come is asked for when it has come.
  await entry("greet").getByText("Succeeded").first().waitFor({ timeout: 120_000 });
  await entry("report").getByText("Failed").first().waitFor({ timeout: 120_000 });
  await entry("report").getByText("status 3").first().waitFor();
  await look(mia.page, "schedules", { ready: 'section[aria-label="Schedules"]' });

  // Stopped: nothing runs, and nothing is to come; what came of it stays.
  await call("POST", `${W}/instances/${id}/stop`, {}, 202);
  await processes.waitFor({ state: "detached", timeout: 60_000 });
  await entry("greet").getByText("Succeeded").first().waitFor();
  assert.equal(await schedules.getByText("Next run").count(), 0);
  assert.deepEqual(findings, []);
});
