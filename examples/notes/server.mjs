// A page of notes, one file, nothing installed: what Node itself has is enough.

import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

const folder = process.env.STOA_DATA ?? ".";
const file = join(folder, "notes.json");
const LARGEST = 16 * 1024;
const MOST = 200;

const escaped = (text) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

async function notes() {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (failure) {
    if (failure.code === "ENOENT") return [];
    throw failure;
  }
}

/** Beside it, then by a rename: whole or not at all. */
async function keep(all) {
  const beside = join(folder, `.${randomUUID()}`);
  await writeFile(beside, JSON.stringify(all));
  await rename(beside, file);
}

async function body(request) {
  let text = "";
  for await (const piece of request) {
    text += piece;
    if (text.length > LARGEST) throw new Error("too long");
  }
  return new URLSearchParams(text);
}

const page = (all) => `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Notes</title><style>body{max-width:36rem;margin:3rem auto;padding:0 1rem;font:17px/1.6 system-ui}</style>
<h1>Notes</h1><form method="post"><label>Note <input name="note" maxlength="200" required></label> <button>Keep</button></form>
<ul>${all.map((note) => `<li>${escaped(note)}</li>`).join("")}</ul></html>`;

// One after the other, so that two at once lose none.
let turn = Promise.resolve();

const server = createServer(async (request, response) => {
  try {
    if (request.method === "POST") {
      const note = ((await body(request)).get("note") ?? "").trim().slice(0, 200);
      turn = turn.then(async () => note && keep([note, ...(await notes())].slice(0, MOST)));
      await turn;
      response.writeHead(303, { location: "/" }).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page(await notes()));
  } catch (failure) {
    console.error(failure);
    turn = Promise.resolve();
    response.writeHead(500).end("It failed; see the log.\n");
  }
});

await mkdir(folder, { recursive: true });
server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () => console.log("listening"));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
