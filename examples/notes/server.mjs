// A list of notes, one file, nothing installed: what Node itself has is enough.

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

const row = (note) =>
  `<li><span>${escaped(note)}</span><form method="post"><button name="done" value="${escaped(note)}" aria-label="Done: ${escaped(note)}">Done</button></form></li>`;

const page = (all) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Notes</title><style>
:root { color-scheme: light dark; --line: #8884; --accent: #2f6f4f; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.75rem; margin: 0 0 1rem; }
form.new { display: flex; gap: .5rem; margin-bottom: 1.5rem; }
input { flex: 1; min-width: 0; font: inherit; padding: .5rem .65rem; border: 1px solid var(--line); border-radius: .5rem; background: transparent; color: inherit; }
button { font: inherit; padding: .45rem .9rem; border: 1px solid var(--line); border-radius: .5rem; background: transparent; color: inherit; cursor: pointer; }
form.new button { font-weight: 600; border: 0; background: var(--accent); color: white; }
ul { margin: 0; padding: 0; list-style: none; }
li { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding: .6rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
</style></head><body>
<h1>Notes</h1>
<form class="new" method="post"><input name="note" maxlength="200" required aria-label="Note" placeholder="What is to be kept in mind"><button>Keep</button></form>
${all.length ? `<ul>${all.map(row).join("")}</ul>` : "<p>Nothing to keep in mind.</p>"}
</body></html>`;

// One after the other, so that two at once lose none.
let turn = Promise.resolve();

async function change(fields) {
  const note = (fields.get("note") ?? "").trim().slice(0, 200);
  const done = fields.get("done");
  const all = await notes();
  const place = all.indexOf(done);
  if (note) await keep([note, ...all].slice(0, MOST));
  else if (place >= 0) await keep(all.filter((_, at) => at !== place));
}

const server = createServer(async (request, response) => {
  try {
    console.log(request.method, request.url);
    if (request.method === "POST") {
      const fields = await body(request);
      turn = turn.then(() => change(fields));
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
server.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () => console.log("The notes listen."));
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  // Connections that are kept open say nothing more: nobody waits for them.
  server.closeIdleConnections();
});
