// Runs the files that are given, three at once, and those in which something failed a second time by themselves: a
// machine that is busy elsewhere can keep a browser waiting for longer than it waits. `node e2e/run.mjs e2e/*.test.mjs`

import { relative } from "node:path";
import { run } from "node:test";
import { tap } from "node:test/reporters";

/** Resolves with the files in which something failed. */
async function round(files) {
  const failed = new Set();
  const tests = run({ files, concurrency: 3 });
  // What belongs to no file that was given can't be repeated by itself: then all are.
  tests.on("test:fail", ({ file }) => {
    if (files.includes(file)) failed.add(file);
    else for (const each of files) failed.add(each);
  });
  for await (const line of tests.compose(tap)) process.stdout.write(line);
  return [...failed];
}

const files = process.argv.slice(2).map((file) => new URL(file, `file://${process.cwd()}/`).pathname);
if (files.length === 0) throw new Error("No file was given.");
let failed = await round(files);
if (failed.length > 0) {
  process.stdout.write(`# once more: ${failed.map((file) => relative(process.cwd(), file)).join(", ")}\n`);
  failed = await round(failed);
}
process.exitCode = failed.length > 0 ? 1 : 0;
