// A workspace that has people and instances in it from the start, its owner's page, and a member's.

import assert from "node:assert/strict";
import { join } from "node:path";
import { person, startBrowser } from "./browser.mjs";
import { spawned, startStoa, tree } from "./stoa.mjs";
import { ask, joinAs, setUp } from "./team.mjs";

/** Seventy members and three hundred instances; the member is Tess, whose dialog `open` opens on the owner's page. */
export async function crowd() {
  const stoa = await startStoa();
  const browser = await startBrowser();
  const owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  await ask(page, "POST", "/workspaces", { name: "Acme Studio", slug: "acme" });
  await ask(page, "POST", "/workspaces/acme/servers", { name: "local", local: true });
  const { body } = await ask(page, "POST", "/workspaces/acme/invitations", { email: "tess@example.com" });
  await stoa.end();
  const script = join(tree, "bench/seed_workspace.py");
  const seeded = await spawned("python3", [script, stoa.data, "acme", "--members", "70", "--instances", "300"]);
  assert.equal(seeded.code, 0, seeded.said);
  await stoa.again();
  const tester = await person(browser, stoa.origin);
  await tester.page.goto(new URL(body.link).pathname);
  await joinAs(tester.page, "Tess Ferreira", "acme");
  const { body: found } = await ask(page, "GET", "/workspaces/acme/members?q=tess@example.com");
  const tess = found.items[0].id;
  const dialog = () => page.getByRole("dialog").last();
  const open = async () => {
    await page.goto("/acme/members");
    await page.getByLabel("Find a member").fill("tess");
    await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
    await dialog().getByRole("switch").first().waitFor();
  };
  const toggle = (label) => dialog().getByText(label, { exact: true }).first().click();
  return { stoa, browser, owner, tester, tess, dialog, open, toggle };
}
