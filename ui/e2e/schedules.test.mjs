// What runs of an instance, and what is run at its times: shown to whoever sees the instance, with what came of it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa } from "./stoa.mjs";
import { deployed, done, joined, setUp, workshop } from "./team.mjs";

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
  const owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  const made = await workshop(page, { project: "Guestbook" });
  const text = await readFile(join(repo.folder, "stoa.toml"), "utf8");
  await repo.push(made.remote, "With schedules", { "stoa.toml": `${text}${SCHEDULES}` });
  const { id } = await deployed(page, made, { name: "shop", stage: "staging" });

  // Somebody who may see the instance and do nothing with it.
  const mia = await joined(browser, stoa, owner, "Mia Member", "mia@example.com", { instances: [id] });
  await mia.page.goto("/acme/instances/shop");
  const processes = mia.page.getByRole("region", { name: "Processes" });
  await processes.getByText("The application").waitFor();
  await processes.getByText("Runs", { exact: true }).waitFor();
  const schedules = mia.page.getByRole("region", { name: "Schedules" });
  const entry = (name) => schedules.getByRole("listitem").filter({ hasText: name }).first();
  await entry("yearly").getByText("0 6 1 1 *").waitFor();
  await entry("yearly").getByText("Not run yet").waitFor();
  await entry("yearly").getByText("Next run").waitFor();
  // What isn't run yet isn't now.
  await entry("greet").getByText("Next run in less than a minute").waitFor();
  // Nothing is reloaded: what was to come is asked for when it has come.
  await entry("greet").getByText("Succeeded").first().waitFor({ timeout: 120_000 });
  await entry("report").getByText("Failed").first().waitFor({ timeout: 120_000 });
  await entry("report").getByText("status 3").first().waitFor();
  await look(mia.page, "schedules", { ready: 'section[aria-label="Schedules"]' });

  // Stopped: nothing runs, and nothing is to come; what came of it stays.
  await done(page, "POST", `/workspaces/acme/instances/${id}/stop`, {}, 202);
  await processes.waitFor({ state: "detached", timeout: 60_000 });
  await entry("greet").getByText("Succeeded").first().waitFor();
  assert.equal(await schedules.getByText("Next run").count(), 0);
  assert.deepEqual(findings, []);
});
