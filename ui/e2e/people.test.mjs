// People and what they may: set-up, workspaces, invitations by a real mail server, permissions, and pages that change
// by themselves.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failing, findings, look, person, startBrowser } from "./browser.mjs";
import { startMail, startStoa, until } from "./stoa.mjs";
import { joinAs, PASSWORD, setUp } from "./team.mjs";

let mail, stoa, browser, owner, tester;

before(async () => {
  mail = await startMail();
  stoa = await startStoa({ mail });
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
});

test("the set-up link makes the administrator, and its token leaves the address at once", async () => {
  const { page } = owner;
  await page.goto(stoa.setupLink);
  await page.getByLabel("Your name").waitFor();
  assert.equal(new URL(page.url()).hash, "");
  await look(page, "setup", { ready: "text=Create the account" });
  await page.getByLabel("Your name").fill("Anna Lindqvist");
  await page.getByLabel("E-mail address").fill("anna@example.com");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create the account" }).click();
  await page.getByRole("heading", { name: "Workspaces" }).waitFor();
  await look(page, "no-workspace", { ready: "text=You are in no workspace yet" });
});

test("the slug follows the name, can be edited, and is said to be reserved or taken at once", async () => {
  const { page } = owner;
  await page.getByRole("main").getByRole("button", { name: "Create Workspace" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Ünïcode GmbH");
  await dialog.getByText("Valid and free").waitFor();
  assert.equal(await dialog.getByLabel("Slug").inputValue(), "unicode-gmbh");
  await look(page, "create-workspace", { ready: "text=Valid and free" });
  await dialog.getByLabel("Slug").fill("settings");
  await dialog.getByText("Stoa keeps this word").waitFor();
  await dialog.getByLabel("Slug").fill("-no-");
  await dialog.getByText("2 to 40 of").waitFor();
  for (const other of ["0b9c6a52-6f0e-4a3e-9d9a-3f1f7a3a2b10", "xn--bcher-kva"]) {
    await dialog.getByLabel("Slug").fill(other);
    await dialog.getByText("A slug can't have the form of an id, or begin with xn--.").waitFor();
    await dialog.getByLabel("Slug").fill("-no-");
    await dialog.getByText("2 to 40 of").waitFor();
  }
  await dialog.getByLabel("Slug").fill("unicode-gmbh");
  await dialog.getByText("Valid and free").waitFor();
  await dialog.getByRole("button", { name: "Create Workspace" }).click();
  await page.waitForURL(/\/unicode-gmbh/);
});

test("an invitation goes by mail, makes an account, and brings no permission", async () => {
  const { page } = owner;
  await page.goto("/unicode-gmbh/members");
  await page.getByRole("button", { name: "Invite Member" }).click();
  await page.getByLabel("E-mail addresses").fill("tester@example.com, other@example.com");
  await look(page, "invite", { ready: "text=Invite 2 people" });
  await page.getByRole("button", { name: "Invite 2 people" }).click();
  await page.getByText("the mail with the link is on its way").first().waitFor();
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("region", { name: "Pending invitations" }).getByText("other@example.com").waitFor();

  const letter = await mail.to("tester@example.com");
  const link = letter.text.match(/^http\S+\/invitations\/\S+$/m)[0];
  tester = await person(browser, stoa.origin);
  await tester.page.goto(link);
  await tester.page.getByRole("heading", { name: "Join Ünïcode GmbH" }).waitFor();
  await until("the token leaves the address", () => new URL(tester.page.url()).pathname === "/join");
  await look(tester.page, "invitation", { ready: "text=Create account and join" });
  await joinAs(tester.page, "Tess Ferreira", "unicode-gmbh");

  // The owner's page knows without being loaded anew.
  await page
    .getByRole("row", { name: /Tess Ferreira/ })
    .getByText("No access yet")
    .waitFor();
  await look(page, "members", { ready: "text=No access yet" });
});

test("the difference is shown, saved, and arrives at the member's open page", async () => {
  const { page } = owner;
  await tester.page.goto("/unicode-gmbh/members");
  await tester.page.getByText("No access yet").waitFor();
  const asked = tester.asked.length;
  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("switch").first().waitFor();
  assert.equal(await dialog.getByRole("switch").count(), 10);
  await dialog
    .locator("label", { hasText: /^Restart/ })
    .first()
    .click();
  await dialog.locator("label", { hasText: /^Logs/ }).first().click();
  await dialog.getByRole("button", { name: "Save 2 changes" }).waitFor();
  await look(page, "permissions", { ready: "text=Action Permissions" });
  await dialog.getByRole("button", { name: "Save 2 changes" }).click();
  await dialog.waitFor({ state: "detached" });
  await page
    .getByRole("row", { name: /Tess Ferreira/ })
    .getByText("Restart")
    .waitFor();
  await tester.page.getByRole("region", { name: "What you may do" }).getByText("Restart").waitFor();
  assert.ok(tester.asked.length > asked);
});

test("what two owners save at once is laid together, never lost", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.locator("label", { hasText: /^Stop/ }).first().click();
  // Another window of the same owner saves something else meanwhile.
  const second = await owner.context.newPage();
  await second.goto("/unicode-gmbh/members");
  await second.getByRole("button", { name: "Permissions of Tess Ferreira" }).click();
  await second
    .getByRole("dialog")
    .getByRole("switch", { name: /^Backups/ })
    .click();
  await second.getByRole("button", { name: "Save 1 change" }).click();
  await second.getByRole("dialog").waitFor({ state: "detached" });
  await second.close();
  await dialog.getByText("changed these permissions meanwhile").waitFor();
  await dialog.getByRole("button", { name: "Keep my changes on top" }).click();
  assert.equal(await dialog.getByRole("switch", { name: /^Backups/ }).isChecked(), true);
  await dialog.getByRole("button", { name: "Save 1 change" }).click();
  await dialog.waitFor({ state: "detached" });
  await page
    .getByRole("row", { name: /Tess Ferreira/ })
    .getByText("4")
    .or(page.getByText("Backups"))
    .first()
    .waitFor();
});

test("Why? gives the server's own answer", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: "More about Tess Ferreira" }).click();
  await page.getByRole("menuitem", { name: "Why?" }).click();
  await page.getByRole("combobox", { name: "Action" }).click();
  await page.getByRole("option", { name: "Delete" }).click();
  await page.getByText("Not allowed.").waitFor();
  await look(page, "explain", { ready: "text=Not allowed." });
  await page.getByRole("button", { name: "Close" }).last().click();
});

test("every page of the account and the workspace can be used by everybody", async () => {
  const { page } = owner;
  for (const [path, ready, name] of [
    ["/unicode-gmbh/settings/general", "h1:has-text('General')", "general"],
    ["/unicode-gmbh/settings/danger", "h1:has-text('Danger zone')", "danger"],
    ["/unicode-gmbh/settings/profile", "h1:has-text('Profile')", "profile"],
    ["/unicode-gmbh/settings/security", "h1:has-text('Security')", "security"],
    ["/unicode-gmbh/settings/sessions", "text=This one", "sessions"],
    ["/unicode-gmbh/settings/tokens", "text=No token yet", "tokens"],
    ["/unicode-gmbh/settings/workspaces", "text=Open now", "workspaces"],
    ["/unicode-gmbh/activity", "text=created the workspace", "activity"],
    ["/nobody-has-this", "text=There is nothing here", "not-found"],
  ]) {
    await page.goto(path);
    await page.locator(ready).first().waitFor();
    await look(page, name, { ready });
  }
});

test("a token is shown once, after the password", async () => {
  const { page } = owner;
  await page.goto("/unicode-gmbh/settings/tokens");
  await page.getByRole("button", { name: "Create a token" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("laptop");
  await page.getByRole("button", { name: "Create the token" }).click();
  const asks = page.getByRole("heading", { name: "Enter your password" });
  const made = page.getByText(/^stoa_pat_/);
  await asks.or(made).first().waitFor();
  if (await asks.isVisible()) {
    await page.getByRole("dialog").last().getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Go on" }).click();
  }
  await made.waitFor();
  await look(page, "token", { ready: "text=It is shown this once" });
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByText("never used").waitFor();
});

test("the command palette opens by keys, finds, and goes there", async () => {
  const { page } = owner;
  await page.goto("/unicode-gmbh");
  await page.getByRole("heading", { name: /Welcome to/ }).waitFor();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search or run a command" }).waitFor();
  await look(page, "palette", { ready: "role=listbox" });
  await page.keyboard.type("Tess");
  await page.getByRole("option", { name: /Tess Ferreira/ }).waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/members$/);
  // By what one comes for, too.
  await page.keyboard.press("Control+k");
  await page.keyboard.type("invite");
  await page.getByRole("option", { name: "Members", exact: true }).waitFor();
  await page.keyboard.press("Escape");
});

test("a dialog gives the focus back, opened by keys or from a menu", async () => {
  const { page } = owner;
  await page.goto("/unicode-gmbh/members");
  const focused = () =>
    page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);
  for (const name of ["Permissions of Tess Ferreira", "Invite Member"]) {
    await page.getByRole("button", { name }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await until(`${name} has the focus again`, async () => (await focused()) === name);
  }
  await page.getByRole("button", { name: "More about Tess Ferreira" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Why?" }).press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await until("what opened the menu has the focus", async () => (await focused()) === "More about Tess Ferreira");
});

test("a change between the first answers and the opening of the stream isn't missed", async () => {
  const { page } = owner;
  const other = await owner.context.newPage();
  // This page leads: nobody else of this browser holds the stream.
  await page.goto("/workspaces");
  let open;
  const isAllowed = new Promise((go) => {
    open = go;
  });
  await other.route("**/events*", async (route) => {
    await isAllowed;
    await route.continue();
  });
  await other.goto("/unicode-gmbh/members");
  await other.getByRole("row", { name: /Tess Ferreira/ }).waitFor();
  const { status } = await page.evaluate(async () => {
    const answer = await fetch("/api/v1/workspaces/unicode-gmbh", {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "Another GmbH" }),
    });
    return { status: answer.status };
  });
  assert.equal(status, 200);
  assert.equal(await other.getByText("Another GmbH").count(), 0);
  open();
  await other.getByText("Another GmbH").first().waitFor();
  await other.close();
  await page.evaluate(() =>
    fetch("/api/v1/workspaces/unicode-gmbh", {
      method: "PATCH",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "Ünïcode GmbH" }),
    }),
  );
});

test("two workspaces never show anything of each other", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: /change the workspace/ }).click();
  // The list of workspaces below it has one, too.
  await page.getByRole("dialog").getByRole("button", { name: "Create Workspace" }).click();
  await page.getByRole("dialog", { name: "Create Workspace" }).getByLabel("Name").fill("Second");
  await page.getByText("Valid and free").waitFor();
  await page
    .getByRole("dialog", { name: "Create Workspace" })
    .getByRole("button", { name: "Create Workspace" })
    .click();
  await page.waitForURL(/\/second/);
  await page.goto("/unicode-gmbh/members");
  await page.getByRole("row", { name: /Tess/ }).waitFor();
  await page.getByRole("button", { name: /change the workspace/ }).click();
  await look(page, "switcher", { ready: "role=listbox", wideOnly: true });
  await page.getByRole("option", { name: "Second" }).click();
  await page.waitForURL(/\/second\/members$/);
  await page.getByRole("row", { name: /Anna Lindqvist/ }).waitFor();
  assert.equal(await page.getByText("Tess Ferreira").count(), 0);
});

test("eight tabs of one browser share a stream, and all of them follow", async () => {
  const tabs = [];
  for (let number = 0; number < 8; number += 1) {
    const tab = await owner.context.newPage();
    await tab.goto("/unicode-gmbh/members");
    await tab.getByRole("row", { name: /Tess/ }).waitFor();
    tabs.push(tab);
  }
  await owner.page.goto("/unicode-gmbh/members");
  await owner.page.getByRole("button", { name: "Revoke for other@example.com" }).click();
  await owner.page.getByRole("button", { name: "Revoke", exact: true }).click();
  for (const tab of tabs) {
    await tab.getByText("other@example.com").waitFor({ state: "detached" });
    await tab.close();
  }
});

test("a session that is ended elsewhere shows the sign-in on the page that is open", async () => {
  const second = await person(browser, stoa.origin);
  await second.page.goto("/unicode-gmbh/members");
  await second.page.getByLabel("E-mail address").fill("anna@example.com");
  await second.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await second.page.getByRole("button", { name: "Sign in" }).click();
  await second.page.getByRole("row", { name: /Tess/ }).waitFor();
  const { page } = owner;
  await page.goto("/unicode-gmbh/settings/sessions");
  await page.getByRole("button", { name: "End" }).click();
  const asks = page.getByRole("heading", { name: "Enter your password" });
  await Promise.any([asks.waitFor(), second.page.getByText("You were signed out").waitFor()]);
  if (await asks.isVisible()) {
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Go on" }).click();
  }
  await second.page.getByText("You were signed out").waitFor();
  assert.equal(await second.page.getByText("Tess Ferreira").count(), 0);
  await second.context.close();
});

test("whoever is removed is told on the page that is open, and sees nothing more", async () => {
  const { page } = owner;
  await page.goto("/unicode-gmbh/members");
  await page.getByRole("button", { name: "More about Tess Ferreira" }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await tester.page.getByText("Ünïcode GmbH isn't open to you any more").waitFor();
  assert.equal(await tester.page.getByText("Anna Lindqvist").count(), 0);
  await look(tester.page, "removed", { ready: "text=open to you any more" });
  await tester.page.goto("/unicode-gmbh/members");
  await tester.page.getByText("There is nothing here").waitFor();
});

test("the shell comes in the workspace's look to its members, and to nobody else", async () => {
  // A page that is laid over the program comes without the program's shell.
  if (process.env.E2E_PAGE) return;
  const shell = (page, path) =>
    page.evaluate(async (path) => {
      const text = await (await fetch(path, { headers: { Accept: "text/html" } })).text();
      const nonce = text.match(/name="stoa-nonce" content="([^"]+)"/)[1];
      return text.replaceAll(nonce, "");
    }, path);
  const mine = await shell(owner.page, "/unicode-gmbh/members");
  assert.match(mine, /<title>Ünïcode GmbH · Stoa<\/title>/);
  assert.match(mine, /--brand-light-fill:#[0-9a-f]{6};/);
  const neutral = await shell(owner.page, "/nobody-has-this/members");
  assert.doesNotMatch(neutral, /Ünïcode|--brand-/);
  // Whoever was removed is signed in, and gets what everybody gets.
  assert.equal(await shell(tester.page, "/unicode-gmbh/members"), neutral);
  assert.equal(await shell(tester.page, "/second/members"), neutral);
  await owner.page.goto("/unicode-gmbh/members");
  await owner.page.getByRole("row", { name: /Anna/ }).waitFor();
  assert.match(await owner.page.locator('link[rel="icon"]').getAttribute("href"), /^data:image\/svg/);
  assert.equal(await owner.page.locator("#stoa-look").count(), 0);
});

test("signing out ends it, and signing in goes on at the same page", async () => {
  const { page } = owner;
  await page.getByRole("button", { name: /my account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.goto("/unicode-gmbh/members");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await look(page, "sign-in", { ready: "h1:has-text('Sign in')" });
  await page.getByLabel("E-mail address").fill("anna@example.com");
  await page.getByLabel("Password", { exact: true }).fill("not this one at all");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The e-mail address or the password is wrong").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Members" }).waitFor();
});

test("without a mail server the link is shown once, to copy, and offers both ways", async () => {
  const alone = await startStoa();
  try {
    const { page } = await person(browser, alone.origin);
    await setUp(page, alone.setupLink);
    await page.getByRole("main").getByRole("button", { name: "Create Workspace" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Alone");
    await page.getByText("Valid and free").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Create Workspace" }).click();
    await page.waitForURL(/\/alone/);
    await page.goto("/alone");
    await page
      .getByRole("link", { name: /^Members/ })
      .first()
      .click();
    await page.getByRole("button", { name: "Invite Member" }).click();
    await page.getByLabel("E-mail addresses").fill("tester@example.com, nobody");
    await page.getByRole("button", { name: "Invite 2 people" }).click();
    const shown = page.getByText(/\/invitations\//);
    const link = await shown.textContent();
    await look(page, "invite-link", { ready: "text=no mail server" });
    // It is shown this once: neither a key, nor a click beside it, nor correcting the other takes it away.
    const onlyItsButton = async () => {
      await page.keyboard.press("Escape");
      await page.mouse.click(5, 5);
      assert.equal(await page.getByRole("dialog").getByRole("button", { name: "Close" }).count(), 0);
      assert.equal(await shown.last().isVisible(), true);
    };
    await onlyItsButton();
    await page.getByRole("button", { name: "Correct what failed" }).click();
    assert.equal(await page.getByLabel("E-mail addresses").inputValue(), "nobody");
    await onlyItsButton();
    assert.equal(await shown.textContent(), link);
    await look(page, "invite-correct", { ready: "text=no mail server" });
    await page.getByLabel("E-mail addresses").fill("other@example.com");
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    await page.getByText("2 people invited").waitFor();
    await page.getByRole("button", { name: "Copy all 2 links" }).click();
    await page.getByText("Copied, each beside its address.").waitFor();
    const copied = (await page.evaluate(() => navigator.clipboard.readText())).split("\n");
    assert.deepEqual(
      copied.map((line) => line.split(" ")[0]),
      ["tester@example.com", "other@example.com"],
    );
    assert.ok(copied[0].endsWith(link) && copied.every((line) => line.includes("/invitations/")));
    assert.equal(await shown.count(), 2);
    // Nor does leaving the page, before it was asked about.
    await page.goBack();
    await page.getByText("They are shown this once. Copy what you need first.").waitFor();
    await page.getByRole("button", { name: "Keep editing" }).click();
    await page.getByRole("button", { name: "Done" }).click();
    await page.getByRole("button", { name: "New link for other@example.com" }).click();
    await page.getByRole("heading", { name: "A new link for other@example.com" }).waitFor();
    await onlyItsButton();
    await page.getByRole("button", { name: "Done" }).click();
    // Stopped half-way, each is told of all the same: the links that there are, and who isn't invited.
    let [asked, go] = [0, () => {}];
    const isAllowed = new Promise((done) => {
      go = done;
    });
    await page.route("**/api/v1/workspaces/alone/invitations", async (route) => {
      if (route.request().method() === "POST") {
        asked += 1;
        if (asked === 2) await isAllowed;
      }
      await route.continue();
    });
    await page.getByRole("button", { name: "Invite Member" }).click();
    await page.getByLabel("E-mail addresses").fill("one@example.com, two@example.com, three@example.com");
    await page.getByRole("button", { name: "Invite 3 people" }).click();
    await until("the second is on its way", () => asked === 2);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Stop" }).click();
    go();
    await page.getByText("2 invited, 1 not").waitFor();
    assert.equal(await shown.count(), 2);
    await page.getByText("three@example.com: Not invited: it was stopped before.").waitFor();
    assert.equal(asked, 2);
    await page.getByRole("button", { name: "Done" }).click();
    // Signed in with another address, it says so and joins nobody.
    await page.goto(link);
    await page.getByText("The invitation is for tester@example.com").waitFor();
    await look(page, "invitation-other", { ready: "text=The invitation is for" });
    const guest = await person(browser, alone.origin);
    // One that couldn't be read is asked for again.
    const readable = await failing(guest.page, "**/api/v1/invitations/*");
    await guest.page.goto(link);
    await guest.page.getByRole("heading", { name: "Something failed" }).waitFor();
    await readable();
    await guest.page.getByRole("button", { name: "Try again" }).click();
    await guest.page.getByRole("button", { name: "Sign in with this address" }).waitFor();
  } finally {
    await alone.stop();
  }
});

test("nothing was logged as an error, and nothing broke the content policy", () => {
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(tester.wrong, []);
});

test("axe found nothing on any screen, in both schemes and both widths", () => {
  assert.deepEqual(findings, []);
});
