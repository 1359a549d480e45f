// Charts, deployments and going back, as members with exactly what each needs; and without it, nothing.

import assert from "node:assert/strict";
import http from "node:http";
import { join as joinPath } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { writeRings } from "./rings.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { deployed, done, joined, permit, settled, setUp, workshop } from "./team.mjs";

const W = "/workspaces/acme";
const PAGE = "/acme/instances/shop-production";
let stoa, browser, owner, member, repo, remote, instance, server;

/** It works for a moment with each request, and fails where it is asked to. */
const application = (name) => `
import http.server, os, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        end = time.process_time() + 0.02
        while time.process_time() < end: pass
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "${name.length}")
        self.end_headers()
        self.wfile.write(b"${name}")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
`;

const call = (whose, ...asked) => done(whose.page, ...asked);

const here = () => `${W}/instances/${instance.id}`;

/** What a visitor gets. */
const visit = (path) =>
  new Promise((go, stop) => {
    const headers = { host: new URL(instance.url).host };
    http
      .get({ port: stoa.port, host: "127.0.0.1", path, headers }, (answer) => {
        let text = "";
        answer.on("data", (piece) => {
          text += piece;
        });
        answer.on("end", () => go({ status: answer.statusCode, text }));
      })
      .on("error", stop);
  });

const push = (name, message, files) => repo.push(remote, message, { "app.py": application(name), ...files });

const grant = (profile) => permit(owner.page, member.id, profile);

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const made = await workshop(owner.page);
  server = made.server;
  remote = made.remote;
  await push("first", "A shop", { "stoa.toml": '[run]\ncommand = ["python3", "app.py"]\n' });
  instance = await deployed(owner.page, made, { name: "shop-production", stage: "production", visibility: "public" });
  member = await joined(browser, stoa, owner, "Mia Berg", "mia@example.com");
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

const HOUR = 3_600_000;
const wave = (at, hours, from, to) => from + ((to - from) * (1 + Math.sin((at / HOUR / hours) * 2 * Math.PI))) / 2;

/** As if it had been measured for a week; between five and three hours ago the machine was off. */
async function remember() {
  const now = Date.now();
  const isOff = (at) => at > now - 5 * HOUR && at < now - 3 * HOUR;
  const noise = (at) => ((Math.sin(at / 7e5) + Math.sin(at / 1.3e6)) / 2 + 1) / 2;
  const folder = joinPath(stoa.data, "agent/metrics");
  const { machine } = await call(owner, "GET", `${W}/servers/local`, undefined, 200);
  // What pages ask meanwhile would fail.
  for (const { page } of [owner, member]) await page.goto("about:blank");
  await stoa.kill();
  await writeRings(joinPath(folder, "machine"), now, (at) => {
    if (isOff(at)) return null;
    const memory = machine.memory * wave(at, 26, 0.55, 0.7);
    const disk = machine.disk * (0.4 + 0.1 * Math.min(1, Math.max(0, (at - now) / HOUR / 168 + 1)));
    return [
      wave(at, 24, 1500, 5500) + 3000 * noise(at),
      memory,
      disk,
      8e5 + 7e5 * noise(at),
      wave(at, 24, 1e6, 7e6) * (0.6 + noise(at) / 2),
    ];
  });
  await writeRings(joinPath(folder, instance.id), now, (at) => {
    if (isOff(at)) return null;
    const isStopped = at > now - 9 * HOUR && at < now - 8 * HOUR;
    const runs = (value) => (isStopped ? null : value);
    const rate = wave(at, 24, 200, 2600) * (0.7 + noise(at) / 2);
    const errors = isStopped ? 0 : rate * (noise(at) > 0.85 ? 0.2 : 0.01);
    return [
      runs(wave(at, 24, 60, 480) + 200 * noise(at)),
      runs((180 + 60 * noise(at)) * 2 ** 20),
      90 * 2 ** 20 + (at % (24 * HOUR)) / 10,
      isStopped ? 0 : rate,
      errors,
    ];
  });
  await stoa.again();
  await owner.page.goto("/acme");
  await settled(owner.page, instance.id);
}

const chart = (name) => member.page.getByRole("region", { name, exact: true });
const point = (name) => member.page.getByRole("slider", { name: `${name}, point by point` });

test("who sees an instance sees what it used and was asked, and no server", async () => {
  const { page } = member;
  await grant({ instances: [instance.id] });
  for (let one = 0; one < 8; one += 1) await visit(one % 4 === 3 ? "/broken" : "/");
  await page.goto(PAGE);
  await until("figures", async () => {
    const told = await call(member, "GET", `${here()}/metrics?range=hour`, undefined, 200);
    return told.requests.some((rate) => rate > 0) && told.errors.some((rate) => rate > 0) && told.memory.at(-1);
  });
  await page.goto(`${PAGE}?range=hour`);
  await chart("Processor").getByText("of one core").waitFor();
  await chart("Memory").getByText("of 1 GiB").waitFor();
  await chart("Requests").getByText("in a minute").waitFor();
  await look(page, "instance-load", { ready: "role=slider" });
  // Not before it began to be measured: no line, and no zero either.
  const before = await call(member, "GET", `${here()}/metrics?range=hour`, undefined, 200);
  assert.equal(before.processor[0], null);
  await page.goto("/acme/servers/local?range=hour");
  await page.getByText("There is nothing here").waitFor();
  await call(member, "GET", `${W}/servers/${server.id}/metrics`, undefined, 404);
});

test("a chart is read point by point by keyboard, and as a table; the address has which", async () => {
  const { page } = member;
  await page.goto(`${PAGE}?range=hour`);
  const memory = point("Memory");
  await memory.waitFor();
  await memory.focus();
  await page.keyboard.press("Home");
  await until("the first point", async () => /Not measured/.test(await memory.getAttribute("aria-valuetext")));
  await page.keyboard.press("End");
  await until("the last point", async () => /\d\d:\d\d:\d\d, .* MiB/.test(await memory.getAttribute("aria-valuetext")));
  await page.keyboard.press("ArrowLeft");
  await page.getByText("Week", { exact: true }).click();
  await page.waitForURL(/range=week/);
  await page.getByRole("button", { name: "As tables" }).click();
  await page.waitForURL(/as=table/);
  const table = page.getByRole("table", { name: /^Requests, in rows of 6 hours/ });
  await table.getByRole("columnheader", { name: "Errors, highest" }).waitFor();
  await look(page, "instance-load-table", { ready: "role=table" });
  await page.reload();
  await table.waitFor();
  await page.getByRole("button", { name: "As charts" }).click();
  await point("Requests").waitFor();
});

test("who sees a server sees its load in four charts, and no instance that isn't allowed", async () => {
  const { page } = member;
  await grant({ servers: [server.id] });
  await remember();
  await page.goto("/acme/servers/local");
  for (const name of ["Processor", "Memory", "Disk", "Network"]) await point(name).waitFor();
  await page.getByText("warns at 90 %").waitFor();
  await page.getByText("with what other workspaces run on it").waitFor();
  assert.equal(await page.getByText("shop-production").count(), 0);
  await look(page, "server-load", { ready: "role=slider" });
  // What was measured before is there after a kill; while the machine was off there is nothing.
  const { processor } = await call(member, "GET", `${W}/servers/local/metrics?range=day`, undefined, 200);
  const of = (hours) => processor[processor.length - 1 - Math.round((hours * HOUR) / 120_000)];
  assert.deepEqual([of(4), of(2) > 10, of(12) > 10], [null, true, true]);
  await point("Memory").focus();
  await page.keyboard.press("PageDown");
  await look(page, "server-load-point", { ready: "role=slider", wideOnly: true });
  // The longest words of a scale have their room.
  await page.route("**/metrics?range=week", async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    for (const series of ["received", "sent"]) told[series] = told[series].map(() => 100_000);
    await route.fulfill({ response: answer, json: told });
  });
  await page.goto("/acme/servers/local?range=week");
  await chart("Network").getByText("600 kbit/s").waitFor();
  const cut = await page.evaluate(() =>
    [...document.querySelectorAll("svg text")].filter((one) => one.getBBox().x < 0).map((one) => one.textContent),
  );
  assert.deepEqual(cut, []);
  await page.unroute("**/metrics?range=week");
  await page.goto("/acme/servers");
  await page.getByRole("img", { name: /^Over the last day/ }).waitFor();
  await look(page, "servers", { ready: "role=img" });
  await page.goto(PAGE);
  await page.getByText("There is nothing here").waitFor();
  await call(member, "GET", `${here()}/metrics`, undefined, 404);
});

test("a server that doesn't answer is told as that, and what was known stays", async () => {
  const { page } = member;
  const away = { type: "about:blank", title: "Not available", status: 503, code: "unavailable" };
  const detail = "The server doesn't answer at the moment. Its figures are shown again once it does.";
  await page.route("**/metrics?range=week", (route) =>
    route.fulfill({
      status: 503,
      contentType: "application/problem+json",
      body: JSON.stringify({ ...away, detail }),
    }),
  );
  await page.goto("/acme/servers/local?range=week");
  await page.getByText(detail).waitFor();
  await look(page, "server-away", { ready: "text=doesn't answer" });
  await page.unroute("**/metrics?range=week");
  await page.getByRole("button", { name: "Try again" }).click();
  await point("Disk").waitFor();
  // Nothing known is something else again: nobody has looked yet.
  await page.route("**/metrics?range=hour", async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    const known = ["processor", "memory", "disk", "received", "sent"];
    for (const series of known) told[series] = told[series].map(() => null);
    await route.fulfill({ response: answer, json: told });
  });
  await page.goto("/acme/servers/local?range=hour");
  await page.getByRole("heading", { name: "Nothing was measured yet" }).waitFor();
  await look(page, "server-nothing-yet", { ready: "text=Nothing was measured yet" });
  await page.unroute("**/metrics?range=hour");
});

test("deployments say how long, by whom and how; an owner goes back in one click, a member isn't offered it", async () => {
  await push("second", "A better shop");
  await until("the second answers", async () => (await visit("/")).text === "second", 90);
  await settled(owner.page, instance.id);
  await grant({ actions: ["view_logs"], instances: [instance.id] });
  const { page } = member;
  await page.goto(`${PAGE}/deployments`);
  const row = (number) => page.getByRole("row", { name: new RegExp(`#${number} `) });
  await row(2).getByText("Anna Lindqvist").waitFor();
  await row(2).getByText("Succeeded").waitFor();
  await row(2)
    .getByText(/^\d+ s$|min/)
    .first()
    .waitFor();
  assert.equal(await page.getByRole("button", { name: /Roll back/ }).count(), 0);
  await look(page, "deployments-member", { ready: "role=table" });
  const { items } = await call(member, "GET", `${here()}/deployments`, undefined, 200);
  await call(member, "POST", `${here()}/deploy`, { release: items[1].release }, 403);

  await owner.page.goto(PAGE);
  await owner.page.getByRole("button", { name: "Roll back to #1" }).click();
  await until("the first answers again", async () => (await visit("/")).text === "first", 90);
  await settled(owner.page, instance.id);
  // What went back is what runs, and nobody goes back to what runs already.
  const now = (number) => owner.page.getByRole("row", { name: new RegExp(`#${number} `) }).getByText("Runs now");
  await now(3).waitFor();
  assert.equal(await now(1).count(), 0);
  assert.equal(await owner.page.getByRole("button", { name: "Roll back to #1" }).count(), 0);
  await owner.page.getByText("and is behind its branch").waitFor();
  await look(owner.page, "instance-rolled-back", { ready: "role=slider" });
  await owner.page.getByRole("button", { name: "Roll back to #2" }).scrollIntoViewIfNeeded();
  await look(owner.page, "instance-rolled-back-below", { ready: "role=slider", wideOnly: true });
  await owner.page.goto("/acme/servers/local");
  await owner.page.getByRole("progressbar", { name: "Processor of shop-production" }).waitFor();
  await owner.page.getByRole("heading", { name: "Instances" }).scrollIntoViewIfNeeded();
  await look(owner.page, "server-instances", { ready: "role=progressbar" });
  await owner.page.goto(PAGE);
  // What goes back is undone in the same way.
  await owner.page.getByRole("button", { name: "Roll back to #2" }).click();
  await until("the second answers again", async () => (await visit("/")).text === "second", 90);
  await owner.page.getByText("and is behind its branch").waitFor({ state: "detached" });
});

test("in the overview a server's last day stands as a line", async () => {
  const { page } = owner;
  await page.goto("/acme");
  await page.getByRole("img", { name: /^Over the last day/ }).waitFor();
  await look(page, "overview-load", { ready: "role=img" });
});

test("nothing was wrong on the way", () => {
  assert.deepEqual(findings, []);
  for (const one of [owner, member]) assert.deepEqual(one.wrong, []);
});
