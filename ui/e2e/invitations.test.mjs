// Invitations by a mail server that demands STARTTLS and a password, and by one that refuses, stalls and drops; the
// pages that a link leads to, however it ended; and how all of it looks.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { partsOf, startSecureMail } from "./smtp.mjs";
import { startStoa, until } from "./stoa.mjs";
import { ask, joinAs, setUp } from "./team.mjs";

const pictures = process.env.E2E_PICTURES;
let mail, stoa, browser, owner;

before(async () => {
  mail = await startSecureMail();
  stoa = await startStoa({ environment: mail.environment() });
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
});

const linkIn = (letter) =>
  partsOf(letter.text)
    ["text/plain"].match(/^http\S+\/invitations\/\S+$/m)[0]
    .trim();

async function invite(page, addresses, message) {
  await page.getByRole("button", { name: "Invite Member" }).click();
  await page.getByLabel("E-mail addresses").fill(addresses);
  if (message) await page.getByLabel("Message (optional)").fill(message);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /^Invite/ }).click();
  await dialog.getByRole("button", { name: "Done" }).waitFor();
  return dialog;
}

test("an owner sets up, with a workspace in its own colour", async () => {
  const { page } = owner;
  await setUp(page, stoa.setupLink);
  assert.equal((await ask(page, "POST", "/workspaces", { name: "Acme & Söhne", slug: "acme" })).status, 201);
  const changed = await ask(page, "PATCH", "/workspaces/acme", { primary_color: "#0e7a5a" });
  assert.equal(changed.status, 200);
});

test("a pasted list is invited one by one, and each is said for itself", async () => {
  const { page } = owner;
  mail.set("refused@example.com", "refuse");
  mail.set("later@example.com", "later");
  mail.set("dropped@example.com", "drop");
  await page.goto("/acme/members");
  await page.getByRole("button", { name: "Invite Member" }).click();
  await page
    .getByLabel("E-mail addresses")
    .fill(
      '"Rossi, Nadia" <nadia@example.com>, refused@example.com; later@example.com\nnot-an-address\nanna@example.com',
    );
  await page.getByLabel("Message (optional)").fill("Welcome, Nadia.\n\n<b>The wiki</b> is at https://wiki.example");
  await look(page, "invite-message", { ready: "text=Invite 5 people" });
  await page.getByRole("button", { name: "Invite 5 people" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("3 invited, 2 not").waitFor();
  await dialog.getByText(/not-an-address: This isn't an e-mail address/).waitFor();
  await dialog.getByText(/anna@example.com: Whoever has this address is a member already/).waitFor();
  await look(page, "invited", { ready: "text=3 invited, 2 not" });
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await until("the focus is on Done", async () => (await focused()) === "Done");
  await dialog.getByRole("button", { name: "Correct what failed" }).click();
  await until("the focus is in the field", async () => (await focused()).startsWith("not-an-address"));
  assert.equal(await page.getByLabel("E-mail addresses").inputValue(), "not-an-address\nanna@example.com");
  // Who was invited stands above.
  await dialog.getByText("nadia@example.com: the mail with the link is on its way.").waitFor();
  await dialog.getByRole("button", { name: "Done" }).click();
});

test("the letter went over TLS, signed in, and reads well in HTML and in text", async () => {
  const letter = await mail.to("nadia@example.com");
  assert.ok(
    mail.seen.signedIn > 0 && mail.seen.secure > 0 && mail.seen.wrongPasswords === 0,
    JSON.stringify(mail.seen),
  );
  assert.match(letter.text, /^Subject: .*Anna/m);
  // In the workspace's name, from the operator's address. Its words are encoded one by one (RFC 2047).
  const [, from] = /^From: ((?:.|\r?\n )+) <stoa@stoa\.example>/m.exec(letter.text);
  const words = from.replace(/=\?utf-8\?b\?([^?]*)\?=\s*/gi, (_, word) => Buffer.from(word, "base64").toString());
  assert.match(words, /Acme & Söhne via Stoa/);
  const parts = partsOf(letter.text);
  const text = parts["text/plain"];
  const lines = text.split(/\r?\n/).filter((line) => line.includes("://"));
  assert.match(lines[0], /^http:\/\/localhost:\d+\/invitations\/\S+$/);
  assert.ok(text.includes("> Welcome, Nadia."), text);
  assert.ok(text.indexOf(lines[0]) < text.indexOf("wiki.example"));
  const html = parts["text/html"];
  assert.ok(html.includes("#0e7a5a") && html.includes("Acme &#38; Söhne") && !html.includes("<b>"), html);
  // As its receiver sees it.
  const reader = await browser.newPage({ viewport: { width: 720, height: 760 } });
  for (const scheme of ["light", "dark"]) {
    await reader.emulateMedia({ colorScheme: scheme });
    await reader.setContent(html);
    await reader.getByRole("link", { name: "Accept the invitation" }).waitFor();
    if (pictures) {
      await mkdir(pictures, { recursive: true });
      await reader.screenshot({ path: join(pictures, `letter-${scheme}.png`) });
      await writeFile(join(pictures, "letter.txt"), text);
    }
  }
  await reader.close();
});

test("the list says how each mail stands", async () => {
  const { page } = owner;
  const region = page.getByRole("region", { name: "Pending invitations" });
  await until("what the server said of each", async () => {
    const { body } = await ask(page, "GET", "/workspaces/acme/invitations");
    const of = (email) => body.items.find((one) => one.email === email).mail;
    return of("refused@example.com").status === "refused" && of("later@example.com").error;
  });
  // The page was open all the while: it was told.
  await region.getByText(/bounced .*550 5\.1\.1 no such mailbox/).waitFor();
  await region.getByText(/waiting for the mail server since \d\d:\d\d.*451 4\.7\.1 greylisted/).waitFor();
  await region.getByText(/sent/).first().waitFor();
  await look(page, "invitations", { ready: "text=Pending invitations" });
  const { body } = await ask(page, "GET", "/administration/state");
  assert.equal(body.mail.waiting, 1);
  assert.match(body.mail.last_error.detail, /greylisted|no such mailbox/);
});

test("a server that said to come back, and one that drops the line, get the letter in the end", async () => {
  const { page } = owner;
  mail.set("later@example.com", null);
  await (await invite(page, "dropped@example.com")).getByRole("button", { name: "Done" }).click();
  await until("the line to be dropped", async () => {
    const { body } = await ask(page, "GET", "/workspaces/acme/invitations");
    return body.items.find((one) => one.email === "dropped@example.com")?.mail.error;
  });
  mail.set("dropped@example.com", null);
  await mail.to("later@example.com", 90);
  await mail.to("dropped@example.com", 90);
  await until("both to be sent", async () => {
    const { body } = await ask(page, "GET", "/workspaces/acme/invitations");
    return body.items.filter((one) => one.mail.status === "sent").length === 3;
  });
  assert.equal(mail.letters.filter(({ to }) => to === "later@example.com").length, 1);
});

test("a server that stalls is given up on after a while, and whoever invites is answered at once", async () => {
  const { page } = owner;
  mail.set("stalled@example.com", "stall");
  const begun = await ask(page, "POST", "/workspaces/acme/invitations", { email: "stalled@example.com" });
  assert.equal(begun.status, 201);
  assert.equal(begun.body.mail.status, "waiting");
  // The attempt still stands open: the list says for how long it waits, not that it is being sent.
  await page
    .getByRole("region", { name: "Pending invitations" })
    .getByText(/waiting for the mail server since \d\d:\d\d$/)
    .waitFor();
  const told = await until(
    "the wait to end",
    async () => {
      const { body } = await ask(page, "GET", "/workspaces/acme/invitations");
      return body.items.find((one) => one.email === "stalled@example.com").mail.error;
    },
    130,
  );
  assert.match(told, /doesn't answer/);
  mail.set("stalled@example.com", null);
});

test("a link that a mail scanner opened still works, and the page says until when and what was written", async () => {
  const link = linkIn(await mail.to("nadia@example.com"));
  const path = new URL(link).pathname;
  for (const method of ["HEAD", "GET"]) {
    const scanned = await fetch(`http://127.0.0.1:${stoa.port}${path}`, {
      method,
      headers: { host: new URL(link).host },
      redirect: "manual",
    });
    assert.ok(scanned.status < 500, `${method} ${scanned.status}`);
    await scanned.arrayBuffer();
    const api = await fetch(`http://127.0.0.1:${stoa.port}/api/v1${path}`, { method });
    assert.equal(api.status, 200);
    await api.arrayBuffer();
  }
  const nadia = await person(browser, stoa.origin);
  await nadia.page.goto(link);
  await nadia.page.getByRole("heading", { name: "Join Acme & Söhne" }).waitFor();
  await nadia.page.getByText(/Open until \d+ \w+\./).waitFor();
  await nadia.page.getByText("<b>The wiki</b> is at https://wiki.example").waitFor();
  await look(nadia.page, "link-new-account", { ready: "text=Create account and join" });
  // Somebody who is signed in with another address is told, and offered to switch.
  await owner.page.goto(link);
  await owner.page.getByText(/The invitation is for nadia@example.com/).waitFor();
  await look(owner.page, "link-wrong-account", { ready: "text=Sign out and go on" });
  await joinAs(nadia.page, "Nadia Rossi", "acme");
  assert.equal((await ask(nadia.page, "GET", "/me")).body.email_verified, true);
  // Used: signed in, and not.
  const stranger = await person(browser, stoa.origin);
  await stranger.page.goto(link);
  await stranger.page.getByText("This invitation was accepted already").waitFor();
  await look(stranger.page, "link-used", { ready: "text=Sign in" });
  await stranger.context.close();
  await nadia.context.close();
});

test("replaced, revoked and unknown links each say what to do", async () => {
  const { page } = owner;
  await page.goto("/acme/members");
  const first = linkIn(await mail.to("later@example.com"));
  await page.getByRole("button", { name: "Resend to later@example.com" }).click();
  await page.getByRole("button", { name: "Done" }).click();
  await until(
    "the second letter",
    async () => mail.letters.filter(({ to }) => to === "later@example.com").length === 2,
  );
  const second = linkIn(await mail.to("later@example.com"));
  assert.notEqual(first, second);
  const visitor = await person(browser, stoa.origin);
  await visitor.page.goto(first);
  await visitor.page.getByText("A newer link was sent to you").waitFor();
  await look(visitor.page, "link-replaced", { ready: "text=Open the link of the newest mail" });
  await page.getByRole("button", { name: "Revoke for later@example.com" }).click();
  await page.getByRole("button", { name: "Revoke", exact: true }).click();
  await page.getByRole("button", { name: "Revoke for later@example.com" }).waitFor({ state: "detached" });
  await until("the page has the focus", () => page.evaluate(() => document.activeElement?.id === "main"));
  await visitor.page.goto(second);
  await visitor.page.getByText("This invitation was revoked").waitFor();
  await visitor.page.goto("/invitations/nothing-of-the-kind");
  await visitor.page.getByText("This invitation doesn't exist").waitFor();
  await visitor.context.close();
});

test("a wrong password for the mail server bounces nothing: it goes once that is set right", async () => {
  const { page } = owner;
  // Its streams end with it, which the browser would note.
  await page.goto("about:blank");
  await mail.setPassword("another one\n");
  await stoa.end();
  await stoa.again();
  await page.goto("/acme/members");
  const made = await ask(page, "POST", "/workspaces/acme/invitations", { email: "patient@example.com" });
  assert.equal(made.status, 201);
  await until("what the server said", async () => {
    const { body } = await ask(page, "GET", "/workspaces/acme/invitations");
    const { status, error } = body.items.find((one) => one.email === "patient@example.com").mail;
    return status === "waiting" && /535/.test(error ?? "");
  });
  await mail.setPassword("the password of the mail server\n");
  await page.goto("about:blank");
  await stoa.end();
  await stoa.again();
  // One that was under way when Stoa ended waits for the end of its lease.
  await mail.to("patient@example.com", 200);
});

test("nothing was logged as an error, and axe found nothing", () => {
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(findings, []);
});
