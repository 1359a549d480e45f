// Starts the real program on a folder of its own, with a real mail server beside it. Test-only.

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import http from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Everybody's password in these tests. */
export const PASSWORD = "a long enough sentence";

const here = dirname(fileURLToPath(import.meta.url));
export const tree = resolve(here, "../..");
/** The program refuses settings that it doesn't know, and must not take those of whoever runs the tests. */
export const ownEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("STOA_")),
);
export const binary = process.env.E2E_BINARY ?? join(tree, "target/debug/stoa");
/** A page built elsewhere, laid over the program's own: to try a page without building the program anew. */
const otherPage = process.env.E2E_PAGE;

/** What this process tries first. Others beside it begin elsewhere: their process ids are others. */
let nextPort = 10_000 + (process.pid % 400) * 50;

/**
 * A port that nothing listens at. One that the kernel would choose isn't for this: it could give it to any connection,
 * as the port of the side that connects, before the program that is started listens there.
 */
export async function freePort() {
  for (;;) {
    const port = nextPort;
    nextPort = nextPort < 29_999 ? nextPort + 1 : 10_000;
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (failure) {
      if (failure.code === "EADDRINUSE") continue;
      throw failure;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}

/** Waits until `ask` answers with something; what it last threw is told when it never does. */
export async function until(what, ask, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  let last;
  while (Date.now() < end) {
    try {
      const found = await ask();
      if (found) return found;
    } catch (failure) {
      last = failure;
    }
    await new Promise((go) => setTimeout(go, 50));
  }
  throw new Error(`${what}: not within ${seconds} s${last ? ` (${last.message})` : ""}`);
}

export async function startMail() {
  // Half a second of the processor, which tests without letters go without.
  const { default: MailDev } = await import("maildev");
  const [smtp, web] = [await freePort(), await freePort()];
  const mail = new MailDev({ smtp, web, ip: "127.0.0.1", silent: true, disableWeb: true });
  await new Promise((go, stop) => mail.listen((failure) => (failure ? stop(failure) : go())));
  const all = () =>
    new Promise((go, stop) => mail.getAllEmail((failure, found) => (failure ? stop(failure) : go(found))));
  return {
    url: `smtp://127.0.0.1:${smtp}?starttls=never`,
    /** The newest mail to an address. */
    to: (address) =>
      until(`a mail to ${address}`, async () =>
        (await all()).findLast((one) => one.to.some((to) => to.address === address)),
      ),
    stop: () => new Promise((go) => mail.close(go)),
  };
}

/** `environment` is read at each start: what is changed in it holds from the next `again` on. */
export async function startStoa({ mail, folder, environment = {} } = {}) {
  const data = folder ?? (await mkdtemp(join(tmpdir(), "stoa-e2e-")));
  const port = await freePort();
  const front = otherPage ? await freePort() : port;
  const origin = `http://localhost:${front}`;
  const heard = [];
  const started = await run({ data, port, origin, mail, environment, heard });
  const page = otherPage ? layOver(otherPage, front, port) : null;
  let current = started;
  return {
    ...started,
    /** kill -9, in the middle of whatever it does. */
    async kill() {
      current.child.kill("SIGKILL");
      await once(current.child, "exit");
    },
    async again() {
      current = await run({ data, port, origin, mail, environment, heard });
    },
    /** SIGTERM; what it said up to its end. */
    end: () => current.end(),
    environment,
    origin,
    port: front,
    data,
    async stop() {
      page?.close();
      page?.closeAllConnections();
      await current.end();
      await spawned(binary, ["instances", "stop", "--all"], { env: { ...ownEnvironment, STOA_DATA_DIR: data } });
      const betrayed = await inTheClear(data, heard.join(""));
      await rm(data, { recursive: true, force: true });
      if (betrayed) throw new Error(betrayed);
    },
  };
}

/** Where a password or an access token stands that nobody but its owner should read; nothing is the usual answer. */
async function inTheClear(data, heard) {
  const canaries = [PASSWORD, "stoa_pat_"];
  // The link to set it up is printed, once, for whoever started it.
  const said = canaries.find((canary) => heard.includes(canary));
  if (said) return `the canary "${said}" was printed`;
  const { said: files } = await spawned("grep", [
    "--recursive",
    "--files-with-matches",
    "--text",
    "--fixed-strings",
    "--devices=skip",
    ...canaries.flatMap((canary) => ["--regexp", canary]),
    "--",
    data,
  ]);
  // What an application, or a member in an IDE, has written is their own.
  const own = ["agent/data/", "agent/desks/"].map((folder) => join(data, folder));
  const found = files.split("\n").filter((file) => file && !own.some((folder) => file.startsWith(folder)));
  return found.length ? `a canary stands in the clear in ${found.join(", ")}` : null;
}

async function run({ data, port, origin, mail, environment, heard }) {
  const child = spawn(binary, ["serve"], {
    cwd: data,
    env: {
      ...ownEnvironment,
      STOA_LISTEN: `127.0.0.1:${port}`,
      STOA_PUBLIC_URL: origin,
      STOA_DATA_DIR: data,
      STOA_LOG: process.env.E2E_LOG ?? "warn",
      ...(mail && { STOA_SMTP_URL: mail.url, STOA_MAIL_FROM: "stoa@stoa.example" }),
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (text) => {
    said += text;
    heard.push(text);
  });
  let complained = "";
  child.stderr.on("data", (text) => {
    complained += text;
    heard.push(text);
  });
  await until("Stoa's address", () => /is at http/.test(said) || child.exitCode !== null);
  if (child.exitCode !== null) throw new Error(`stoa serve ended: ${said}${complained}`);
  await until("Stoa's health", async () => (await fetch(`http://127.0.0.1:${port}/api/v1/health`)).ok);
  return {
    child,
    setupLink: said.match(/http\S+\/setup#\S+/)?.[0],
    async end() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      return said;
    },
  };
}

const KINDS = { ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };

/** The files and the content policy of the program, from another folder; everything else goes to the program. */
function layOver(folder, front, port) {
  const server = http.createServer(async (asked, answer) => {
    const path = new URL(asked.url, "http://x").pathname;
    const isPage =
      asked.method === "GET" &&
      !/^\/(api|git|connect|visit)\//.test(path) &&
      asked.headers.host.startsWith("localhost");
    if (!isPage) {
      const on = http.request({
        port,
        host: "127.0.0.1",
        path: asked.url,
        method: asked.method,
        headers: asked.headers,
      });
      on.on("response", (got) => {
        answer.writeHead(got.statusCode, got.headers);
        got.pipe(answer);
      });
      on.on("error", () => answer.destroy());
      answer.on("close", () => on.destroy());
      asked.pipe(on);
      return;
    }
    const file = join(folder, path);
    if (path.startsWith("/assets/") && (await stat(file).catch(() => null))) {
      answer.writeHead(200, { "content-type": KINDS[extname(file)] ?? "application/octet-stream" });
      return answer.end(await readFile(file));
    }
    const nonce = randomBytes(16).toString("base64url");
    const shell = (await readFile(join(folder, "index.html"), "utf8")).replaceAll("__STOA_NONCE__", nonce);
    answer.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "referrer-policy": "no-referrer",
      "content-security-policy": `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    });
    answer.end(shell);
  });
  // Sockets, of terminals: as they come, both ways.
  server.on("upgrade", (asked, socket, head) => {
    const names = asked.rawHeaders.filter((_, at) => at % 2 === 0);
    const lines = names.map((name, at) => `${name}: ${asked.rawHeaders[at * 2 + 1]}`);
    const on = connect(port, "127.0.0.1", () => {
      on.write(`${[`GET ${asked.url} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`);
      on.write(head);
      on.pipe(socket).pipe(on);
    });
    on.on("error", () => socket.destroy());
    socket.on("error", () => on.destroy());
  });
  server.listen(front, "127.0.0.1");
  return server;
}

/** Asks an instance by its address. Names under localhost resolve in browsers, not here. */
export function visit(url) {
  const { host, port, pathname } = new URL(url);
  return new Promise((go, stop) => {
    const asked = http.get({ host: "127.0.0.1", port, path: pathname, headers: { host } }, (answer) => {
      answer.resume();
      answer.on("end", () => go(answer.statusCode));
    });
    asked.on("error", stop);
  });
}

/** Runs a program to its end; tells what it said. */
export async function spawned(program, values, options = {}) {
  const child = spawn(program, values, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text) => {
      said += text;
    });
  const [code] = await once(child, "exit");
  return { code, said };
}

/** A repository with an example in it, and how to push it. */
export async function repository(example) {
  const folder = await mkdtemp(join(tmpdir(), "stoa-e2e-git-"));
  await cp(join(tree, "examples", example), folder, { recursive: true });
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
  };
  const git = async (...values) => {
    const { code, said } = await spawned(
      "git",
      ["-c", "user.name=Anna", "-c", "user.email=anna@example.com", ...values],
      {
        cwd: folder,
        env,
      },
    );
    if (code !== 0) throw new Error(`git ${values[0]}: ${said}`);
    return said;
  };
  await git("init", "--quiet", "--initial-branch=main");
  await git("add", "--all");
  await git("commit", "--quiet", "--message=First entry");
  /** With other texts of some files: all that is in the folder, whatever it would have ignored itself. */
  const push = async (remote, message, files = {}) => {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await git("add", "--all", "--force");
    await git("commit", "--quiet", `--message=${message}`);
    await git("push", "--quiet", remote, "main");
  };
  return { folder, git, push, remove: () => rm(folder, { recursive: true, force: true }) };
}
