// What a walk through the finished product has found: double clicks, addresses that look like others, a slow hand, an
// empty picture, and where to go by keys. Without a mail server, which is where most of it was found.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa } from "./stoa.mjs";
import { ask, done, joinAs, PASSWORD, setUp } from "./team.mjs";

let stoa, browser, owner;

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
});

/** Counts the writes to an address. */
function writes(page, method, end) {
  const seen = [];
  page.on("request", (request) => {
    if (request.method() === method && new URL(request.url()).pathname.endsWith(end)) seen.push(request.url());
  });
  return seen;
}

test("a double click creates one workspace, saves once, and leaves no word of a change by others", async () => {
  const { page } = owner;
  const made = writes(page, "POST", "/workspaces");
  await page.getByRole("main").getByRole("button", { name: "Create Workspace" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Acme");
  await dialog.getByText("Valid and free").waitFor();
  await dialog.getByRole("button", { name: "Create Workspace" }).dblclick();
  await page.waitForURL(/\/acme/);
  assert.equal(made.length, 1);

  const saved = writes(page, "PATCH", "/workspaces/acme");
  await page.goto("/acme/settings/general");
  await page.getByLabel("Name").fill("Acme Lamps");
  await page.getByRole("button", { name: /^Save/ }).dblclick();
  await page.getByText("Saved").first().waitFor();
  assert.equal(saved.length, 1);
  assert.equal(await page.getByText(/Somebody/).count(), 0);

  const kept = writes(page, "PUT", "/ai");
  await page.goto("/acme/settings/ai");
  await page.getByRole("radio", { name: "OpenAI" }).check();
  await page
    .getByRole("combobox", { name: "Model" })
    .or(page.getByRole("textbox", { name: "Model" }))
    .first()
    .fill("gpt-5");
  await page.getByLabel("API key").fill("sk-nothing-that-works-0815");
  await page.getByRole("button", { name: "Save", exact: true }).dblclick();
  await page.getByText("ends in").waitFor();
  assert.equal(kept.length, 1);
  assert.equal(await page.getByText(/Somebody/).count(), 0);
});

test("an address that looks like another one is told apart, in what was invited and in the list", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  await page.getByRole("button", { name: "Invite Member" }).click();
  await page.getByLabel("E-mail addresses").fill("bob@example.com\nbob@ex\u0430mple.com");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Invite 2 people" }).click();
  await dialog.getByText("2 people invited").waitFor();
  assert.equal(await dialog.getByText("Unusual letters").count(), 1);
  await dialog.getByText("bob@xn--exmple-4nf.com").waitFor();
  await look(page, "look-alike", { ready: "text=Unusual letters" });
  await dialog.getByRole("button", { name: "Done" }).click();
  const leave = page.getByRole("button", { name: "Leave" });
  await leave
    .or(page.getByRole("region", { name: "Pending invitations" }))
    .first()
    .waitFor();
  if (await leave.isVisible()) await leave.click();
  const pending = page.getByRole("region", { name: "Pending invitations" });
  await pending.getByText("bob@xn--exmple-4nf.com").waitFor();
  assert.equal(await pending.getByText("Unusual letters").count(), 1);
});

test("whoever joined where no mail is sent is shown as unverified", async () => {
  const { page } = owner;
  const { body } = await ask(page, "POST", "/workspaces/acme/invitations", { email: "ulla@example.com" });
  const ulla = await person(browser, stoa.origin);
  await ulla.page.goto(body.link);
  await joinAs(ulla.page, "Ulla Berg", "acme");
  await page.goto("/acme/members");
  const row = page.getByRole("row", { name: /Ulla Berg/ });
  await row.getByText("Unverified", { exact: true }).waitFor();
  // A chosen row keeps the contrast of its link under the pointer.
  await page.getByRole("checkbox", { name: "Choose Ulla Berg" }).check();
  await row.hover();
  await look(page, "unverified", { ready: "text=Unverified" });
  await ulla.page.goto("/account/profile");
  await ulla.page.getByText(/until whoever runs it sets mail up/).waitFor();
  await ulla.context.close();
});

test("the settings are found by keys, and what isn't there is said outside of a list", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  await page.getByRole("heading", { name: "Members" }).waitFor();
  await page.keyboard.press("Control+k");
  const field = page.getByRole("combobox", { name: "Search or run a command" });
  await field.fill("no such thing");
  await page.getByText("Nothing of this name.").waitFor();
  await look(page, "palette-none", { ready: "text=Nothing of this name" });
  await field.fill("appear");
  await page.getByRole("option", { name: /Appearance/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/acme\/settings\/appearance$/);
});

test("a picture in which nothing can be seen isn't taken", async () => {
  const { page } = owner;
  const svg = (inside) => ({
    name: "mark.svg",
    mimeType: "image/svg+xml",
    buffer: Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8" width="8" height="8">${inside}</svg>`,
    ),
  });
  await page.goto("/acme/settings/appearance");
  const file = page.getByLabel("Logo file");
  await file.setInputFiles(svg("<script>document.documentElement.append('x')</script>"));
  await page.getByText("There is nothing to see in mark.svg").waitFor();
  assert.ok(await page.getByRole("button", { name: "Use this picture" }).isDisabled());
  await look(page, "logo-empty", { ready: "text=There is nothing to see" });
  await page.getByRole("button", { name: "Cancel" }).click();
  await file.setInputFiles(svg('<path d="M1 1h3v3z"/>'));
  const use = page.getByRole("button", { name: "Use this picture" });
  await use.click();
  await use.waitFor({ state: "detached" });
});

test("somebody to copy from is found in a list, by keys", async () => {
  const { page } = owner;
  const { body } = await ask(page, "POST", "/workspaces/acme/invitations", { email: "carl@example.com" });
  const carl = await person(browser, stoa.origin);
  await carl.page.goto(body.link);
  await joinAs(carl.page, "Carl Ek", "acme");
  await carl.context.close();
  await page.goto("/acme/members");
  await page.getByRole("button", { name: "Permissions of Carl Ek" }).click();
  const dialog = page.getByRole("dialog", { name: /Carl Ek/ });
  await dialog.getByRole("switch").first().waitFor();
  await dialog.locator("label", { hasText: /^Logs/ }).first().click();
  await dialog.getByRole("button", { name: /^Save/ }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Permissions of Ulla Berg" }).click();
  const other = page.getByRole("dialog", { name: /Ulla Berg/ });
  await other.getByRole("switch").first().waitFor();
  await other.getByRole("button", { name: "Copy from a member" }).click();
  await page.getByRole("option", { name: /Carl Ek/ }).waitFor();
  await look(page, "copy-from", { ready: "role=option" });
  await page.getByRole("combobox", { name: "Find a member to copy from" }).press("Enter");
  await other.getByRole("button", { name: /^Save \d/ }).waitFor();
  await page.keyboard.press("Escape");
});

test("an address that leads nowhere is a page with a main part", async () => {
  const { page } = owner;
  await page.goto("/acme");
  await page.goto("/login/no/such/page");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  assert.equal(await page.getByRole("main").count(), 1);
  await look(page, "nowhere", { ready: "text=There is nothing here" });
});

test("an address of a member's page says that nobody is meant, or whom it means", async () => {
  const { page } = owner;
  await page.goto("/acme/members/nobody");
  await page.getByText(/^Nobody who is a member of Acme\b.* goes by this address/).waitFor();
  await look(page, "nowhere-member", { ready: "text=Members have no pages of their own" });
  await page.getByRole("main").getByRole("link", { name: "Members" }).click();
  await page.waitForURL("**/acme/members");
  const { items } = await done(page, "GET", "/workspaces/acme/members", undefined, 200);
  const [someone] = items;
  await page.goto(`/acme/members/${someone.id}`);
  await page.getByText(`${someone.account.name} is a member of Acme`).waitFor();
});

test("without its default branch a project shows another one's commits, and says so", async () => {
  const { page } = owner;
  await done(page, "POST", "/workspaces/acme/projects", { name: "Site" }, 201);
  const { token } = await done(page, "POST", "/me/tokens", { name: "git" });
  const remote = `${stoa.origin.replace("://", `://git:${token}@`)}/git/acme/site.git`;
  const repo = await repository("site");
  await repo.git("push", "--quiet", remote, "HEAD:main", "HEAD:feature");
  await repo.git("push", "--quiet", remote, ":main");
  await page.goto("/acme/projects/site/commits");
  await page.getByText("main, the default branch, is gone.").waitFor();
  await page.getByRole("table", { name: "Commits" }).getByText("First entry").waitFor();
  assert.equal(await page.getByRole("combobox", { name: "Branch" }).inputValue(), "feature");
  await look(page, "commits-without-default", { ready: "text=First entry" });
  await page.goto("/acme/projects/site");
  await page.getByText("main is gone").first().waitFor();
  // The server's own word stands at the field.
  await page.goto("/acme/projects/site/settings");
  await page.getByRole("combobox", { name: "Default branch" }).fill("nope");
  await page.getByRole("form", { name: "General" }).getByRole("button", { name: "Save" }).click();
  await page.getByText("The project has no such branch. Push it first.").waitFor();
  await page.getByRole("combobox", { name: "Default branch" }).fill("feature");
  await page.getByRole("form", { name: "General" }).getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Discard" }).waitFor({ state: "detached" });
  await page.goto("/acme/projects/site");
  await page.getByText("main is gone").waitFor({ state: "detached" });
  await repo.remove();
});

test("whoever isn't signed in is asked to sign in at every address within a workspace, whether there is one or not", async () => {
  const { page, context } = await person(browser, stoa.origin);
  for (const path of ["/acme/no/such/page", "/acme/x", "/nobody-has-this/x", "/nobody-has-this"]) {
    await page.goto(path);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    assert.equal(await page.getByText("There is nothing here").count(), 0, path);
  }
  // The same address once one is signed in: of a workspace that one is in, it leads back to that.
  await page.goto("/acme/no/such/page");
  await page.getByLabel("E-mail address").fill("anna@example.com");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/acme/no/such/page");
  assert.equal(await page.getByRole("main").count(), 1);
  await page.getByRole("link", { name: "Back to the overview" }).click();
  await page.waitForURL(/\/acme\/?$/);
  await context.close();
});

test("axe found nothing, and nothing was logged as an error", () => {
  assert.deepEqual(findings, []);
  assert.deepEqual(owner.wrong, []);
});
