// What a machine may lack, and a test needs. As `crates/test-kit/src/need.rs` has it for the tests in Rust.

import assert from "node:assert/strict";
import { join } from "node:path";
import { spawned, tree } from "./stoa.mjs";

/**
 * Whether a test (`here`) can't be run for want of something, which is said with `why`. Where `TESTS_NEED` says that it is
 * there, such a test fails instead: nobody takes it for one that has passed.
 */
export function lacks(here, what, isThere, why) {
  if (isThere) return false;
  const needed = (process.env.TESTS_NEED ?? "").split(" ");
  assert.ok(!needed.includes(what), `this test needs ${what}, and TESTS_NEED demands it: ${why}`);
  here.skip(`this test needs ${what}: ${why}`);
  return true;
}

/** The folder in which one of the scripts has put what is fetched from elsewhere; none where it can't be, and why. */
export async function fetched(script) {
  const { code, said } = await spawned(join(tree, "scripts", script), []);
  if (code === 75) return { folder: null, why: said.trim() };
  assert.equal(code, 0, said);
  return { folder: said.trim(), why: null };
}
