// Logs, as a member with exactly that permission: a million lines, finding, filters, links, downloads, following; and
// without it, nothing.

import assert from "node:assert/strict";
import { chown, open, readFile, stat } from "node:fs/promises";
import http from "node:http";
import { join as joinPath } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { deployed, done, joined, permit, settled, setUp, workshop } from "./team.mjs";

const W = "/workspaces/acme";
const PAGE = "/acme/instances/shop-production/logs";
const CANARY = "canary-Loud-Harbour-0815";
/** Lines that were written before, of a hundred bytes and a half each. */
const MANY = 1_000_000;
let stoa, browser, owner, member, repo, instance;

/** It says what it is asked to. */
const APPLICATION = `
import http.server, os, urllib.parse
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        for text in asked.get("say", []): print(text.replace("[long]", "word-by-word " * 600 + "x" * 8000), flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
print("ready", flush=True)
print("the key is " + os.environ["PAY_KEY"], flush=True)
print("\\033]0;title\\007\\033[31mred\\033[0m\\033[2J and \\u202eturned", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
`;

const call = (whose, ...asked) => done(whose.page, ...asked);

const here = () => `${W}/instances/${instance.id}`;

/** Has the application write. */
const say = (...texts) =>
  new Promise((go, stop) => {
    const query = texts.map((text) => `say=${encodeURIComponent(text)}`).join("&");
    const headers = { host: new URL(instance.url).host };
    http
      .get({ port: stoa.port, host: "127.0.0.1", path: `/reset/link?${query}`, headers }, (answer) => {
        answer.resume();
        answer.on("end", () => (answer.statusCode === 200 ? go() : stop(new Error(`${answer.statusCode}`))));
      })
      .on("error", stop);
  });

async function act(verb) {
  await call(owner, "POST", `${here()}/${verb}`, {}, 202);
  await settled(owner.page, instance.id, verb === "stop" ? "stopped" : "running");
}

/** As if it had been written for days: the application's own writer goes on behind it. */
async function writeMany() {
  const folder = joinPath(stoa.data, "agent/logs", instance.id);
  const { uid, gid } = await stat(folder);
  const begun = Date.now() - 3 * 3_600_000;
  const levels = ["info", "info", "debug", "info", "WARN", "info"];
  let [segment, file, size] = [0, null, 0];
  let piece = "";
  for (let line = 0; line < MANY; line += 1) {
    const isError = line % 100_000 === 99_999;
    const what = isError ? "ERROR payment of order-7 failed" : `${levels[line % 6]} GET /products/${line} 200`;
    piece += `${(begun + line * 10) * 1000} stdout ${what} in ${line % 97} ms\n`;
    if (piece.length < 1 << 20 && line < MANY - 1) continue;
    if (!file || size > 15 << 20) {
      await file?.close();
      segment += 1;
      size = 0;
      const path = joinPath(folder, `${String(segment).padStart(8, "0")}.log`);
      file = await open(path, "w", 0o640);
      await chown(path, uid, gid);
    }
    await file.write(piece);
    size += piece.length;
    piece = "";
  }
  await file.close();
}

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const made = await workshop(owner.page);
  await repo.push(made.remote, "A shop that talks", {
    "app.py": APPLICATION,
    "stoa.toml": '[run]\ncommand = ["python3", "app.py"]\n',
  });
  instance = await deployed(owner.page, made, {
    name: "shop-production",
    stage: "production",
    visibility: "public",
    environment: [{ name: "PAY_KEY", value: CANARY, secret: true }],
  });
  await act("stop");
  await writeMany();
  await act("start");
  member = await joined(browser, stoa, owner, "Mia Berg", "mia@example.com");
  await grant(["view_logs"]);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

const grant = (actions) => permit(owner.page, member.id, { actions, instances: [instance.id] });

const log = () => member.page.getByRole("log");
const line = (text) => log().locator("[data-level]", { hasText: text });
const counted = () => member.page.getByText(/^1,000,\d{3} lines$/);

test("a million lines are counted and scrolled to each end, and few of them are in the page", async () => {
  const { page } = member;
  await page.goto(PAGE);
  await line("ready").last().waitFor();
  await counted().waitFor({ timeout: 120_000 });
  await look(page, "logs-million", { ready: "role=log" });
  await log().focus();
  await page.keyboard.press("Home");
  await line("GET /products/0 200").waitFor();
  assert.ok((await log().locator("[data-level]").count()) < 150);
  // To the middle by the bar, and on by the wheel.
  await log().evaluate((box) => {
    box.scrollTop = (box.scrollHeight - box.clientHeight) / 2;
  });
  // The middle lies where one stretch ends and another begins: both have to be here.
  const shown = () =>
    log().evaluate(
      (box) => !box.querySelector("div[aria-hidden]") && box.textContent.match(/GET \/products\/(\d+)/)?.[1],
    );
  const middle = await until("the middle", async () => {
    const at = Number(await shown());
    return at > 400_000 && at < 600_000 && at;
  });
  await log().hover();
  await page.mouse.wheel(0, 400);
  await until("twenty lines further", async () => Number(await shown()) === middle + 20);
  await page.keyboard.press("End");
  await line("ready").last().waitFor();
  const held = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
  assert.ok(held < 200 << 20, `${held} bytes are held`);
});

test("what is sought is found in all of it, marked, and gone through by keyboard", async () => {
  const { page } = member;
  await log().focus();
  await page.keyboard.press("/");
  await page.keyboard.type("ORDER-7");
  const field = page.getByLabel("Find in the log");
  await page.getByText("10 found").waitFor({ timeout: 120_000 });
  await field.press("Shift+Enter");
  await log().locator("mark[data-current]", { hasText: "order-7" }).waitFor();
  await page.getByText("10 of 10").waitFor();
  await field.press("Shift+Enter");
  await page.getByText("9 of 10").waitFor();
  await until("the ninth is in sight", () =>
    log()
      .locator("[data-level=error]", { has: page.locator("mark[data-current]") })
      .textContent()
      .then((text) => text.includes("900,000") || text.startsWith("900000")),
  );
  await look(page, "logs-found", { ready: "mark" });
  // Only what is found: filtered where the log is, and in the address.
  await page.getByRole("button", { name: "Only what is found" }).click();
  await page.getByText("10 lines", { exact: true }).waitFor({ timeout: 120_000 });
  await page.reload();
  await page.getByText("10 lines", { exact: true }).waitFor({ timeout: 120_000 });
  assert.equal(await field.inputValue(), "ORDER-7");
  await page.getByRole("button", { name: "Only what is found" }).click();
  await field.fill("");
});

test("levels and times are filtered where the log is, and stand in the address", async () => {
  const { page } = member;
  await page.goto(`${PAGE}?level=error`);
  await page.getByText("10 lines", { exact: true }).waitFor({ timeout: 120_000 });
  assert.equal(await log().locator("[data-level]:not([data-level=error])").count(), 0);
  const warn = page.getByRole("group", { name: "Levels" }).getByRole("button", { name: /Warn/ });
  await until("what isn't shown is counted", async () => /16[67]K/.test(await warn.textContent()));
  await warn.click();
  await page.waitForURL(/level=error%2Cwarn/);
  await page.goto(`${PAGE}?last=60`);
  await until("an hour of three", async () => {
    const told = await page
      .getByText(/^[\d,]+ lines$/)
      .first()
      .textContent();
    const count = Number(told.replace(/\D/g, ""));
    return count > 100_000 && count < 400_000;
  });
});

test("the strip has each of few errors where it was written, though none of their lines is here", async () => {
  const { page } = member;
  await page.goto(PAGE);
  await counted().waitFor({ timeout: 120_000 });
  const strip = page.getByRole("img", { name: /10 errors/ });
  await until("ten bars", async () => (await strip.locator("[class*=barError]").count()) === 10, 60);
  await look(page, "logs-strip", { ready: "role=log" });
});

test("a link leads to its line, with what is around it", async () => {
  const { page } = member;
  await page.goto(PAGE);
  await counted().waitFor({ timeout: 120_000 });
  await log().focus();
  await page.keyboard.press("Home");
  await line("GET /products/7 200").getByRole("button").click();
  await line("GET /products/9 200")
    .getByRole("button")
    .click({ modifiers: ["Shift"] });
  const chosen = page.getByRole("group", { name: "Chosen lines" });
  await chosen.getByText("3 lines").waitFor();
  await look(page, "logs-chosen", { ready: "role=group[name='Chosen lines']" });
  await chosen.getByRole("button", { name: "Copy link" }).click();
  await chosen.getByText("Link copied").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /\/logs#1-\d+,1-\d+$/);
  await page.goto("about:blank");
  await page.goto(link);
  await line("GET /products/7 200").waitFor({ timeout: 120_000 });
  await line("GET /products/12 200").waitFor();
  await chosen.getByText("3 lines").waitFor();
  await chosen.getByRole("button", { name: "Copy text" }).click();
  await chosen.getByText("Text copied").waitFor();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(text.trim().split("\n").length, 3);
  assert.match(text, /GET \/products\/9 200/);
  await page.getByRole("button", { name: "Download" }).click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("menuitem", { name: "As text" }).click(),
  ]);
  const file = await readFile(await download.path(), "utf8");
  assert.equal(download.suggestedFilename(), "application-log.txt");
  assert.deepEqual(
    file
      .trim()
      .split("\n")
      .map((line) => line.match(/products\/(\d+)/)[1]),
    ["7", "8", "9"],
  );
  await page.goto(`${PAGE}#9-999999`);
  await page.getByText("What the link leads to isn't kept any more, or was never written.").waitFor();
  assert.equal(await chosen.count(), 0);
  await look(page, "logs-gone", { ready: "text=isn't kept any more" });
  await page.getByRole("button", { name: "Choose no line" }).click();
  await page.getByText("isn't kept any more").waitFor({ state: "detached" });
  // The same by keys alone: what was in the focus has gone, and the lines have it.
  const isFocused = () => log().evaluate((one) => one === document.activeElement);
  await until("the lines have the focus", isFocused);
  await page.keyboard.press("Home");
  await line("GET /products/0 200").waitFor();
  for (const [key, many] of [
    ["Enter", "1 line"],
    ["Shift+ArrowDown", "2 lines"],
    ["Shift+ArrowDown", "3 lines"],
  ]) {
    await page.keyboard.press(key);
    await chosen.getByText(many, { exact: true }).waitFor();
  }
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await until("it doesn't stand over them", async () => {
      const lines = await log().locator("[class*=chosen]").all();
      const [bar, ...places] = await Promise.all([chosen, ...lines].map((one) => one.boundingBox()));
      return places.length === 3 && places.every(({ y, height }) => y + height <= bar.y || y >= bar.y + bar.height);
    });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press("ArrowDown");
  await chosen.getByText("1 line", { exact: true }).waitFor();
  await page.keyboard.press("Tab");
  await chosen.locator(":focus", { hasText: "Copy link" }).waitFor();
  await page.keyboard.press("Escape");
  await chosen.waitFor({ state: "detached" });
  await until("the lines have it again", isFocused);
});

test("new lines come at the end; whoever has scrolled away stays, and is told how many", async () => {
  const { page } = member;
  await page.goto(PAGE);
  await page.getByText("Live", { exact: true }).waitFor();
  await counted().waitFor({ timeout: 120_000 });
  await say("first from outside");
  await line("first from outside").waitFor();
  await log().hover();
  await page.mouse.wheel(0, -3000);
  await line("first from outside").waitFor({ state: "detached" });
  const before = await log().evaluate((box) => box.querySelector("[data-level]").textContent);
  await say("second", "third");
  await page.getByRole("button", { name: "2 new lines" }).waitFor();
  assert.equal(await log().evaluate((box) => box.querySelector("[data-level]").textContent), before);
  await page.getByRole("button", { name: "2 new lines" }).click();
  await line("third").waitFor();
  await page.getByRole("button", { name: "Newest" }).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused").waitFor();
  await say("while it was paused");
  await page.getByRole("button", { name: "Go on" }).click();
  await line("while it was paused").waitFor();
});

test("on a phone the newest stays at the lower edge, below lines that are longer than all that is seen", async () => {
  const { page } = member;
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(PAGE);
  await page.getByText("Live", { exact: true }).waitFor();
  await say("[long]", ...Array.from({ length: 30 }, (_, at) => `short ${at}`));
  /** How far below the lower edge the newest ends, and whether lines are seen all over. */
  const seen = () =>
    log().evaluate((box) => {
      const { left, top } = box.getBoundingClientRect();
      const last = [...box.querySelectorAll("[data-level]")].at(-1);
      const isLine = (_, at) =>
        document.elementFromPoint(left + 30, top + ((at + 0.5) * box.clientHeight) / 20)?.closest("[data-level]");
      const below = last.getBoundingClientRect().bottom - top - box.clientHeight;
      return { text: last.textContent, below, isFull: Array.from({ length: 20 }, isLine).every(Boolean) };
    });
  const atEnd = async () => {
    const { text, below, isFull } = await seen();
    return text.endsWith("short 29") && Math.abs(below) < 2 && isFull;
  };
  await until("the newest at the lower edge", atEnd);
  // Into the long one, whose rows nobody counted before they were drawn, and back.
  await log().hover();
  await page.mouse.wheel(0, -1500);
  await until("lines all over", async () => (await seen()).isFull && !(await atEnd()));
  await page.getByRole("button", { name: "Newest" }).click();
  await until("the newest at the lower edge again", atEnd);
  await page.reload();
  await page.getByText("Live", { exact: true }).waitFor();
  await until("and after it was loaded anew", atEnd);
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("no secret is in it, live, found or downloaded; of sequences only colours are left", async () => {
  const { page } = member;
  await line("the key is [secret removed]").last().waitFor();
  await say(`live ${CANARY} end`);
  await line("live [secret removed] end").waitFor();
  await line("and \\u202eturned").last().waitFor();
  const path = (more) => `/api/v1${here()}/logs${more}`;
  const fetched = (more) => page.evaluate(async (url) => (await fetch(url)).text(), path(more));
  assert.equal(await fetched(`?q=${CANARY}`), "");
  assert.equal(await fetched("?q=Loud-Harbour"), "");
  const whole = await fetched(`/download?since=${new Date(Date.now() - 600_000).toISOString()}`);
  assert.ok(whole.includes("the key is [secret removed]") && !whole.includes("Harbour"), whole);
  assert.ok(whole.includes("\u001b[31mred\u001b[0m") && whole.replace(/.\[\d*m/g, "").indexOf("\u001b") < 0);
  // Nor on the disk.
  const folder = joinPath(stoa.data, "agent/logs", instance.id);
  const last = await readFile(joinPath(folder, "00000005.log"), "utf8").catch(() => "");
  assert.ok(!last.includes("Harbour"));
});

test("what the init and the proxy say has logs of its own, without what stands in a query", async () => {
  const { page } = member;
  await page.goto(PAGE);
  await page.getByText("Proxy", { exact: true }).click();
  await line("GET /reset/link?… 200").first().waitFor();
  assert.equal(await log().getByText("Harbour").count(), 0);
  await look(page, "logs-proxy", { ready: "role=log" });
  await page.getByText("Init", { exact: true }).click();
  await page.waitForURL(/of=init/);
  await call(owner, "POST", `${here()}/restart`, { mode: "soft" }, 202);
  await line("restarting").first().waitFor({ timeout: 60_000 });
  assert.equal(await line("ready").count(), 0);
  await page.getByText("the sandbox's first process").waitFor();
  await page.getByText("Deployment", { exact: true }).click();
  await line("Deployed.").first().waitFor();
  await page.getByRole("link", { name: "#1", exact: true }).waitFor();
  // On a phone, a small one too, each stands in a menu with what it holds; all of that is reached.
  await page.setViewportSize({ width: 390, height: 667 });
  await page.getByRole("button", { name: "What is shown" }).click();
  const menu = page.getByRole("menu");
  await menu.getByText("Each request, and how it was answered").waitFor();
  const box = await menu.boundingBox();
  assert.ok(box.y >= 0 && box.y + box.height <= 667, JSON.stringify(box));
  // What is pointed at is read in the dark too.
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  const first = menu.getByRole("menuitemradio").first();
  await first.hover();
  await until(
    "its ground is the page's own",
    async () => (await first.evaluate((one) => getComputedStyle(one).backgroundColor)) === "rgb(37, 39, 46)",
  );
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  const last = menu.getByRole("menuitemcheckbox", { name: "Wrap long lines" });
  await last.scrollIntoViewIfNeeded();
  const { y, height } = await last.boundingBox();
  assert.ok(height >= 40 && y + height <= 667, `${y} ${height}`);
  await page.keyboard.press("Escape");
  await menu.waitFor({ state: "detached" });
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("without the permission nothing of it is shown, and what was open ends", async () => {
  const { page } = member;
  await page.goto(PAGE);
  await page.getByText("Live", { exact: true }).waitFor();
  await grant(["restart_instances"]);
  await page
    .getByText(/You may not read/)
    .first()
    .waitFor();
  for (const what of ["", "/outline", "/download"]) await call(member, "GET", `${here()}/logs${what}`, undefined, 403);
  await grant([]);
  await page.goto(PAGE);
  assert.equal(await page.getByRole("log").count(), 0);
});

test("nothing was logged as an error, and axe found nothing", () => {
  // What is under way when the right ends breaks off.
  assert.deepEqual(
    member.wrong.filter((text) => !/ERR_INCOMPLETE_CHUNKED/.test(text)),
    [],
  );
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(findings, []);
});
