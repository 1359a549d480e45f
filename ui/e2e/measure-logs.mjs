// How much memory the program takes with a log of 2 GiB: searched, outlined, downloaded and followed, by its public API.
// Run by hand: `node e2e/measure-logs.mjs`.

import { once } from "node:events";
import { chown, open, readdir, readFile, stat, writeFile } from "node:fs/promises";
import http from "node:http";
import { join } from "node:path";
import { person, startBrowser } from "./browser.mjs";
import { repository, startStoa, until } from "./stoa.mjs";
import { ask, setUp } from "./team.mjs";

const W = "/workspaces/acme";
const say = (line) => process.stdout.write(`${line}\n`);
const SEGMENTS = 127;
const FULL = 16 << 20;
const FOLLOWERS = 60;

const stoa = await startStoa();
const browser = await startBrowser();
const repo = await repository("guestbook");
const owner = await person(browser, stoa.origin);
const made = async (method, path, body) => {
  const { status, body: told } = await ask(owner.page, method, path, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(told)}`);
  return told;
};

/** Peak and present memory of the program, in MiB. Its agent is part of it. */
async function memory() {
  const text = await readFile(`/proc/${stoa.child.pid}/status`, "utf8");
  const of = (name) => Math.round(Number(text.match(new RegExp(`${name}:\\s+(\\d+)`))[1]) / 1024);
  return `peak ${of("VmHWM")} MiB, now ${of("VmRSS")} MiB (${of("RssFile")} of them its own file)`;
}

/** From here on the peak is counted anew. */
const forget = () => writeFile(`/proc/${stoa.child.pid}/clear_refs`, "5");

const asking = (path, token, taking) => {
  const headers = { host: `localhost:${stoa.port}`, authorization: `Bearer ${token}`, ...taking };
  return new Promise((go, stop) => {
    http
      .get({ port: stoa.port, host: "127.0.0.1", path: `/api/v1${path}`, headers, agent: false }, go)
      .on("error", stop);
  });
};

async function whole(path, token) {
  const begun = Date.now();
  const answer = await asking(path, token, { accept: "application/x-ndjson" });
  let [bytes, lines] = [0, 0];
  for await (const piece of answer) {
    bytes += piece.length;
    for (const byte of piece) if (byte === 10) lines += 1;
  }
  return `${answer.statusCode}: ${lines} lines, ${Math.round(bytes / 1e6)} MB in ${((Date.now() - begun) / 1000).toFixed(1)} s`;
}

try {
  await setUp(owner.page, stoa.setupLink);
  await made("POST", "/workspaces", { name: "Acme" });
  const server = await made("POST", `${W}/servers`, { name: "local", local: true });
  const project = await made("POST", `${W}/projects`, { name: "Shop" });
  const { token } = await made("POST", "/me/tokens", { name: "laptop" });
  const remote = new URL(project.repository.url);
  remote.username = "anna";
  remote.password = token;
  await repo.git("push", "--quiet", remote.href, "main");
  const wanted = { name: "shop", project: project.id, server: server.id, stage: "staging", branch: "main" };
  const instance = await made("POST", `${W}/instances`, {
    ...wanted,
    environment: [{ name: "KEY", value: "a-secret-of-some-length", secret: true }],
  });
  const here = `${W}/instances/${instance.id}`;
  const is = (status) =>
    until(
      status,
      async () => {
        const found = await made("GET", here);
        return found.status === status && !found.job;
      },
      120,
    );
  await is("running");
  await made("POST", `${here}/stop`, {});
  await is("stopped");
  const folder = join(stoa.data, "agent/logs", instance.id);
  const { uid, gid } = await stat(folder);
  let line = 0;
  for (let segment = 1; segment <= SEGMENTS; segment += 1) {
    const path = join(folder, `${String(segment).padStart(8, "0")}.log`);
    const file = await open(path, "w", 0o640);
    let size = 0;
    while (size < FULL) {
      let piece = "";
      for (; piece.length < 1 << 20; line += 1) {
        const what =
          line % 1_000_000 === 7
            ? "ERROR payment of order-7 failed"
            : `INFO GET /products/${line}?page=${line % 89} 200`;
        piece += `${1_790_000_000_000_000 + line * 1000} stdout ${what} in ${line % 97} ms by worker ${line % 7}\n`;
      }
      await file.write(piece);
      size += piece.length;
    }
    await file.close();
    await chown(path, uid, gid);
  }
  await made("POST", `${here}/start`, {});
  await is("running");
  say(`${line} lines, ${((SEGMENTS * FULL) / 2 ** 30).toFixed(2)} GiB. Started: ${await memory()}`);
  await until(
    "what is full is compressed",
    async () => (await readdir(folder)).every((name, at) => name.endsWith(".zst") || at >= SEGMENTS - 1),
    1800,
  );
  say(`Compressed: ${await memory()}`);
  await forget();
  const path = (more) => `${here}/logs${more}`;
  say(`Before: ${await memory()}`);
  say(`Search, found in 30 places: ${await whole(path("?q=ORDER-7&limit=10000"), token)}. ${await memory()}`);
  say(`Search, found nowhere: ${await whole(path("?q=nowhere-to-be-found"), token)}. ${await memory()}`);
  say(`Errors alone: ${await whole(path("?level=error&limit=10000"), token)}. ${await memory()}`);
  say(`Outline: ${await whole(path("/outline?find=order-7"), token)}. ${await memory()}`);
  say(`Download of all: ${await whole(path("/download"), token)}. ${await memory()}`);
  const followers = [];
  for (let one = 0; one < FOLLOWERS; one += 1) {
    const answer = await asking(path("?follow=true&limit=1000"), token, { accept: "text/event-stream" });
    answer.resume();
    followers.push(answer);
  }
  say(`${FOLLOWERS} followers: ${await memory()}`);
  const searches = Array.from({ length: 4 }, () => whole(path("?q=nowhere-to-be-found"), token));
  await Promise.all(searches.slice(0, 3));
  say(`With them, four searches at once: ${await memory()}`);
  await Promise.all(searches);
  for (const one of followers) one.destroy();
  await Promise.all(followers.map((one) => one.destroyed || once(one, "close")));
  say(`All of it: ${await memory()}`);
} finally {
  await browser.close();
  await stoa.stop();
  await repo.remove();
}
