// Connect as user on Django itself: the example's shop, a user of its own, picked and landed signed in as.

import assert from "node:assert/strict";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { person, startBrowser } from "./browser.mjs";
import { fetched, lacks } from "./need.mjs";
import { repository, startStoa } from "./stoa.mjs";
import { deployed, done, joined, permit, setUp, workshop } from "./team.mjs";

let stoa, browser, repo;

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("a user of a Django application is landed signed in as, by a form too", async (t) => {
  const { folder: django, why } = await fetched("django");
  if (lacks(t, "django", django, why)) return;
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("shop");
  const owner = await person(browser, stoa.origin);
  const { page, context, wrong } = owner;
  await setUp(page, stoa.setupLink);
  const made = await workshop(page);
  // Django comes along, instead of being fetched: the machine of the tests may reach nothing.
  await cp(django, join(repo.folder, "vendor"), { recursive: true });
  const text = (await readFile(join(repo.folder, "stoa.toml"), "utf8"))
    .replace(/\[build\]\n.*\n/, "")
    .replaceAll(".venv/bin/python", "python3");
  await repo.push(made.remote, "With Django", {
    "stoa.toml": `${text}\n[environment.PYTHONPATH]\ndefault = "/app/vendor"\n`,
  });
  const { id } = await deployed(page, made, { name: "shop", stage: "staging" });
  await page.goto("/acme/instances/shop");
  await page.getByRole("button", { name: "Connect as user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Find a user").fill("sand");
  await dialog.getByText("Karin Sand").click();
  await dialog.getByLabel("Reason").fill("Her basket shows too much");
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    dialog.getByRole("button", { name: "Connect as Karin Sand" }).click(),
  ]);
  await tab.getByRole("heading", { name: "Basket of Karin Sand" }).waitFor();
  await tab.getByText("Desk lamp").waitFor();
  // Django looks at where a form comes from, and at the cookie that it set for that.
  await tab.getByLabel("Add").fill("Pencil");
  await tab.getByRole("button", { name: "Add" }).click();
  await tab.getByText("Pencil").waitFor();
  const names = (await context.cookies(tab.url())).map(({ name }) => name);
  assert.deepEqual(names, [`stoa-connect-${stoa.port}`]);
  // Signing out there is the application's own affair.
  await tab.getByRole("button", { name: "Sign out" }).click();
  await tab.getByRole("heading", { name: "Welcome to the shop" }).waitFor();

  // A member's link is good once, in that member's hands, and for as long as the permission is there.
  const mia = await joined(browser, stoa, owner, "Mia Berg", "mia@example.com");
  const grant = (actions) => permit(page, mia.id, { actions, instances: [id] });
  const here = `/workspaces/acme/instances/${id}/connect-as`;
  await grant(["connect_as_user"]);
  const { items } = await done(mia.page, "GET", `${here}/users?q=sand`, undefined, 200);
  const link = async () => done(mia.page, "POST", here, { user: items[0].id, reason: "Ticket 4182" }, 201);
  const follow = async (whose, { url }, heading) => {
    const opened = await whose.context.newPage();
    await opened.goto(url);
    await opened.getByRole("heading", { name: heading }).waitFor();
    return opened;
  };
  const first = await link();
  await follow(owner, first, "Another account");
  const theirs = await follow(mia, first, "Basket of Karin Sand");
  await follow(mia, first, "Link used");
  const second = await link();
  await grant([]);
  await theirs.reload();
  await theirs.getByRole("heading", { name: "Session ended" }).waitFor();
  await follow(mia, second, "Permission missing");
  assert.deepEqual(wrong, []);
});
