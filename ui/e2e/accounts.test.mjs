// Accounts: confirming and changing the address, a second factor by app and by passkey, recovery codes, a workspace that
// demands one, a forgotten password, and deleting it all; with a real mail server and Chromium's own authenticator.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { failing, findings, look, person, startBrowser } from "./browser.mjs";
import { startMail, startStoa, until } from "./stoa.mjs";
import { ask, joinAs, PASSWORD, setUp } from "./team.mjs";

const NEW = "another long enough sentence";
const OTHER = "a sentence for a minute";
let mail, stoa, browser, owner, app, codes;

/** An authenticator app. Codes of one step work once, so it gives the next one's where this was used. */
function authenticator(base32) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...base32.replace(/ /g, "")].map((one) => letters.indexOf(one).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  let last = 0;
  const at = (step) => {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const hash = createHmac("sha1", key).update(counter).digest();
    const offset = hash[19] & 15;
    return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  };
  return () =>
    until(
      "a code that wasn't used",
      () => {
        const now = Math.floor(Date.now() / 30_000);
        const step = Math.max(now, last + 1);
        if (step > now + 1) return null;
        last = step;
        return at(step);
      },
      60,
    );
}

async function signOut(page) {
  await page.evaluate(() => fetch("/api/v1/session", { method: "DELETE" }));
  await page.goto("/login");
  await page.getByLabel("E-mail address").waitFor();
}

async function enter(page, email, password) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

const linkIn = (letter, path) => letter.text.match(new RegExp(`^http\\S+${path}\\S+$`, "m"))[0];

before(async () => {
  mail = await startMail();
  stoa = await startStoa({ mail });
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await mail?.stop();
});

test("an address is confirmed by the link that went to it, while signed in", async () => {
  const { page } = owner;
  await page.goto("/account/profile");
  await page.getByText("Unverified").waitFor();
  await look(page, "profile-unverified", { ready: "text=Confirm this address" });
  await page.getByRole("button", { name: "Confirm this address" }).click();
  await page.getByText("A mail is on its way to anna@example.com").waitFor();
  // What waits is shown after the page was loaded anew, and can be taken back.
  await page.reload();
  await page.getByText("Until it is followed, your address stays as it is").waitFor();
  await look(page, "profile-pending", { ready: "text=Take it back" });
  const first = linkIn(await mail.to("anna@example.com"), "/account/email/");
  const heard = await failing(page, "**/api/v1/me/email", "DELETE");
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByText("The server answered 503").waitFor();
  await heard();
  await page.getByRole("button", { name: "Take it back" }).click();
  await page.getByRole("button", { name: "Confirm this address" }).click();
  await page.getByText("Until it is followed, your address stays as it is").waitFor();
  await until("another link", async () => linkIn(await mail.to("anna@example.com"), "/account/email/") !== first);
  await page.goto(first);
  await page.getByRole("heading", { name: "This link doesn't work any more" }).waitFor();
  const link = linkIn(await mail.to("anna@example.com"), "/account/email/");
  // The page that asked stays open beside the one that the mail's link opens.
  const beside = await owner.context.newPage();
  await beside.goto("/account/profile");
  await beside.getByText("A mail is on its way to anna@example.com").waitFor();
  const readable = await failing(page, "**/api/v1/me/email/links/*");
  await page.goto(link);
  await page.getByRole("heading", { name: "Something failed" }).waitFor();
  await readable();
  await page.getByRole("button", { name: "Try again" }).click();
  await until("the token leaves the address", () => new URL(page.url()).pathname === "/account/email");
  await page.getByRole("heading", { name: "Confirm anna@example.com?" }).waitFor();
  await look(page, "email-link", { ready: "text=Confirm the address" });
  await page.getByRole("button", { name: "Confirm the address" }).click();
  await page.getByText("Your account is known by anna@example.com").waitFor();
  await beside.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })));
  await beside.getByText("A mail is on its way").waitFor({ state: "detached" });
  await beside.getByText("Verified", { exact: true }).waitFor();
  await beside.close();
  await page.getByRole("link", { name: "My profile" }).click();
  await page.getByText("Verified", { exact: true }).waitFor();
  // A used one says so before anything is pressed.
  await page.goto(link);
  await page.getByRole("heading", { name: "This link doesn't work any more" }).waitFor();
  await look(page, "email-link-used", { ready: "text=My profile" });
});

test("a link in a mail leaves the address at once, signed in or not", async () => {
  const { page, wrong } = await person(browser, stoa.origin);
  await page.goto("/account/email/a-secret-that-is-nobodys");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.waitForURL(/\/account\/email$/);
  await enter(page, "anna@example.com", PASSWORD);
  await page.getByRole("heading", { name: "This link doesn't work any more" }).waitFor();
  await look(page, "email-link-over", { ready: "text=work any more" });
  assert.deepEqual(wrong, []);
  await page.context().close();
});

test("the address that is confirmed already is asked for in vain, and says so", async () => {
  const { page } = owner;
  await page.goto("/account/profile");
  await page.getByRole("button", { name: "Change", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Change the address" });
  await dialog.getByLabel("New e-mail address").fill("anna@example.com");
  await dialog.getByRole("button", { name: "Mail the link" }).click();
  await dialog.getByText("it is confirmed already. No mail was sent").waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
});

test("a new password is another one, long enough, in our own words; tokens end with it where that is left on", async () => {
  const { page } = owner;
  await page.goto("/account/security");
  const set = async (old, fresh) => {
    await page.getByLabel("Current password").fill(old);
    await page.getByLabel("New password").fill(fresh);
    await page.getByRole("button", { name: "Change the password" }).click();
  };
  await set(PASSWORD, "short");
  await page.getByText("A password has at least 10 characters.").waitFor();
  await set(PASSWORD, PASSWORD);
  await page.getByText("This is the password that you have").waitFor();
  assert.equal(await page.getByLabel("Delete my access tokens too").isChecked(), true);
  await look(page, "security-password", { ready: "text=Delete my access tokens too" });
  const made = await page.evaluate(() =>
    fetch("/api/v1/me/tokens", {
      method: "POST",
      body: JSON.stringify({ name: "old script" }),
      headers: { "content-type": "application/json" },
    }).then((answer) => answer.status),
  );
  assert.equal(made, 201);
  await set(PASSWORD, OTHER);
  await page.getByText("and your access tokens deleted").waitFor();
  await page.goto("/account/tokens");
  await page.getByText("No token yet").waitFor();
  await page.goto("/account/security");
  await set(OTHER, PASSWORD);
  await page.getByText("and your access tokens deleted").waitFor();
});

test("an authenticator app is set up by its first code, and recovery codes are shown once", async () => {
  const { page } = owner;
  await page.goto("/account/security");
  await page.getByText("An app on your phone").waitFor();
  await look(page, "security", { ready: "text=Passkeys" });
  await page.getByRole("button", { name: "Set up", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Set up an authenticator app" });
  await dialog.getByRole("img", { name: "Code to scan" }).waitFor();
  await look(page, "authenticator", { ready: "text=Turn it on" });
  app = authenticator(await dialog.locator("pre").textContent());
  await dialog.getByLabel("Code", { exact: true }).fill("000000");
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await dialog.getByText("This code isn't right, or is over").waitFor();
  await dialog.getByLabel("Code", { exact: true }).fill(await app());
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  const shown = page.getByRole("dialog", { name: "Keep your recovery codes" });
  codes = (await shown.locator("pre").textContent()).trim().split("\n");
  assert.equal(codes.length, 10);
  await look(page, "recovery-codes", { ready: "text=I have kept them" });
  // They are shown this once: neither a key nor a click beside them takes them away.
  await page.keyboard.press("Escape");
  await page.mouse.click(5, 5);
  await shown.getByText(codes[0]).waitFor();
  await shown.getByRole("button", { name: "I have kept them" }).click();
  await page.getByText("10 are left").waitFor();
});

test("signing in asks for the code next; a used one and a wrong one are refused", async () => {
  const { page } = owner;
  await signOut(page);
  await look(page, "sign-in", { ready: "text=Forgot it?" });
  await enter(page, "anna@example.com", PASSWORD);
  await page.getByLabel("Code of your authenticator app").waitFor();
  await look(page, "sign-in-code", { ready: "text=Use a recovery code" });
  await page.getByLabel("Code of your authenticator app").fill("000000");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("This code isn't right, or was used already").waitFor();
  await page.getByLabel("Code of your authenticator app").fill(await app());
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Workspaces" }).waitFor();
});

test("a recovery code stands in once, and says how many are left", async () => {
  const { page } = owner;
  await signOut(page);
  await enter(page, "anna@example.com", PASSWORD);
  await page.getByRole("button", { name: "Use a recovery code" }).click();
  await page.getByLabel("Recovery code").fill("0000-0000-0000-0000");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("This isn't a code of your app").waitFor();
  await page.getByLabel("Recovery code").fill(codes[0]);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByText("You used a recovery code; 9 are left").waitFor();
  await until("the letter", async () => /A recovery code was used/.test((await mail.to("anna@example.com")).subject));
});

test("a passkey is made, named, and signs in; what it showed works once", async () => {
  const { page } = owner;
  const cdp = await owner.context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a passkey" });
  await dialog.getByLabel("Name").fill("Laptop");
  await dialog.getByRole("button", { name: "Go on" }).click();
  await page.getByText("not used yet").waitFor();
  await page.getByRole("button", { name: "Rename Laptop" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Work laptop");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await page.getByText("Work laptop").waitFor();
  await look(page, "security-full", { ready: "text=Work laptop" });

  await signOut(page);
  let sent;
  page.on("request", (request) => {
    if (request.method() === "POST" && request.url().endsWith("/api/v1/session")) sent = request.postData();
  });
  await enter(page, "anna@example.com", PASSWORD);
  await page.getByRole("button", { name: "Use a passkey" }).waitFor();
  await look(page, "sign-in-passkey", { ready: "text=Use a passkey" });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("heading", { name: "Workspaces" }).waitFor();
  assert.ok(JSON.parse(sent).passkey);
  const again = await page.evaluate(
    (body) =>
      fetch("/api/v1/session", { method: "POST", body, headers: { "content-type": "application/json" } }).then(
        async (answer) => [answer.status, (await answer.json()).code],
      ),
    sent,
  );
  assert.deepEqual(again, [401, "second_factor_required"]);
  await page.goto("/account/security");
  await page.getByText("last used").waitFor();
});

test("a workspace demands a second factor, and leads whoever has none to one", async () => {
  const { page } = owner;
  await ask(page, "POST", "/workspaces", { name: "Acme Studio" });
  await ask(page, "POST", "/workspaces/acme-studio/invitations", { email: "tess@example.com" });
  const tester = await person(browser, stoa.origin);
  await tester.page.goto(linkIn(await mail.to("tess@example.com"), "/invitations/"));
  await joinAs(tester.page, "Tess Ferreira", "acme-studio");

  await page.goto("/acme-studio/settings/sign-in");
  await page.getByText("Every member needs a second factor").waitFor();
  await look(page, "workspace-sign-in", { ready: "text=Every member needs" });
  // Whom it keeps out is known before, or it isn't done.
  const counted = await failing(page, "**/api/v1/workspaces/acme-studio/sign-in");
  await page.getByLabel("Every member needs a second factor").click({ force: true });
  const asked = page.getByRole("dialog", { name: "Demand a second factor?" });
  await asked.getByText("The members who have none couldn't be counted.").waitFor();
  assert.equal(await asked.getByRole("button", { name: "Demand it" }).isDisabled(), true);
  await look(page, "demand-factor-uncounted", { ready: "text=couldn't be counted" });
  await counted();
  await asked.getByRole("button", { name: "Try again" }).click();
  await asked.getByText("One member has none").waitFor();
  await look(page, "demand-factor", { ready: "text=Demand it" });
  await asked.getByRole("button", { name: "Demand it" }).click();
  // What was open ends by itself.
  await tester.page.getByRole("heading", { name: "Second factor demanded" }).waitFor();
  await look(tester.page, "factor-demanded", { ready: "text=Set up a second factor" });
  await tester.page.getByRole("link", { name: "Set up a second factor" }).click();
  await tester.page.getByText("Acme Studio demands a second factor").waitFor();
  await tester.page.getByRole("button", { name: "Set up", exact: true }).click();
  const dialog = tester.page.getByRole("dialog", { name: "Set up an authenticator app" });
  const code = authenticator(await dialog.locator("pre").textContent());
  await dialog.getByLabel("Code", { exact: true }).fill(await code());
  await dialog.getByRole("button", { name: "Turn it on" }).click();
  await tester.page.getByRole("button", { name: "I have kept them" }).click();
  await tester.page.goto("/acme-studio");
  await tester.page.getByRole("navigation", { name: "Main" }).getByText("Acme Studio").first().waitFor();
  await tester.page.getByRole("heading", { name: "Overview" }).waitFor();
  assert.deepEqual(tester.wrong, []);

  // Deleting the account: leaves the workspace, and frees the address.
  await tester.page.goto("/account/profile");
  await tester.page.getByRole("button", { name: "Delete my account" }).click();
  await look(tester.page, "delete-account", { ready: "text=Type" });
  await tester.page.getByRole("dialog").getByRole("textbox").fill("tess@example.com");
  await tester.page.getByRole("dialog").getByRole("button", { name: "Delete my account" }).click();
  await tester.page.getByRole("heading", { name: "Sign in" }).waitFor();
  await tester.page.getByText("The account tess@example.com is deleted.").waitFor();
  await look(tester.page, "deleted", { ready: "text=is deleted" });
  assert.match((await mail.to("tess@example.com")).subject, /Your account was deleted/);
  await enter(tester.page, "tess@example.com", PASSWORD);
  await tester.page.getByText("The e-mail address or the password is wrong").waitFor();
});

test("the last owner isn't deleted, and is told where", async () => {
  const { page } = owner;
  // Before its lists have answered nothing is known beforehand: then the server says it.
  const listed = await failing(page, "**/api/v1/workspaces/*/members?*");
  await page.goto("/account/profile");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("dialog").getByRole("textbox").fill("anna@example.com");
  await page.getByRole("dialog").getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("dialog").getByText("You are the last owner of Acme Studio").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await listed();
  await page.reload();
  await page.getByText("You are the last owner of Acme Studio. Make another member an owner there").first().waitFor();
  const button = page.getByRole("button", { name: "Delete my account" });
  assert.equal(await button.getAttribute("aria-disabled"), "true");
  await button.click({ force: true });
  assert.equal(await page.getByRole("dialog").count(), 0);
  await look(page, "delete-account-last", { ready: "text=You are the last owner" });
});

test("a forgotten password is set anew by mail, and the second factor is asked for all the same", async () => {
  const { page } = owner;
  await signOut(page);
  await page.getByLabel("E-mail address").fill("anna@example.com");
  await page.getByRole("link", { name: "Forgot it?" }).click();
  await look(page, "forgot", { ready: "text=Mail me a link" });
  assert.equal(await page.getByLabel("E-mail address").inputValue(), "anna@example.com", "it is typed once");
  await page.getByRole("button", { name: "Mail me a link" }).click();
  await page.getByText("a mail with a link is on its way").waitFor();
  const letter = await until("the link", async () => {
    const found = await mail.to("anna@example.com");
    return found.text.includes("/reset/") ? found : null;
  });
  const link = linkIn(letter, "/reset/");
  await page.goto(link);
  await until("the token leaves the address", () => new URL(page.url()).pathname === "/reset");
  await look(page, "reset", { ready: "text=Set the password" });
  await page.getByLabel("New password").fill(NEW);
  await page.getByRole("button", { name: "Set the password" }).click();
  await page.getByText("You were signed out everywhere").waitFor();
  await look(page, "reset-done", { ready: "text=Sign in" });
  await page.goto(link);
  await page.getByRole("heading", { name: "This link doesn't work any more" }).waitFor();
  await look(page, "reset-used", { ready: "text=Ask for a new link" });
  await page.goto("/login");
  await enter(page, "anna@example.com", NEW);
  await page.getByRole("button", { name: "Enter a code of the authenticator app" }).click();
  await page.getByLabel("Code of your authenticator app").fill(await app());
  await page.getByRole("button", { name: "Go on" }).click();
  await page.waitForURL(/\/acme-studio|\/workspaces/);
});

test("sessions and tokens are listed, and a token ends on a chosen day", async () => {
  const { page } = owner;
  await page.goto("/account/sessions");
  await page.getByText("This one").waitFor();
  await page.goto("/account/tokens");
  await page.getByRole("button", { name: "Create a token" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Create a token" });
  await dialog.getByLabel("Name").fill("script");
  await dialog.getByRole("combobox", { name: "Ends" }).click();
  await page.getByRole("option", { name: "On a day that I choose" }).click();
  await dialog.getByLabel("Last day").fill("2030-01-31");
  await look(page, "token", { ready: "text=Last day" });
  await dialog.getByRole("button", { name: "Create the token" }).click();
  await page.getByText("It is shown this once").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("button", { name: "Delete script" }).waitFor();
});

test("signed out in another tab, saving leads to the sign-in", async () => {
  const { page } = owner;
  // Else the stream of events would have told it before.
  const heard = await failing(page, "**/workspaces/*/events*");
  await page.goto("/account/profile");
  await page.getByLabel("Name", { exact: true }).fill("Anna L.");
  const other = await owner.context.newPage();
  await other.goto("/account/profile");
  await other.evaluate(() => fetch("/api/v1/session", { method: "DELETE" }));
  await other.close();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("You were signed out. Sign in to go on.").waitFor();
  await heard();
  await enter(page, "anna@example.com", NEW);
  await page.getByRole("button", { name: "Enter a code of the authenticator app" }).click();
  await page.getByLabel("Code of your authenticator app").fill(await app());
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("heading", { name: "Profile" }).waitFor();
});

test("whoever wants no mails of failures says so, and what is said stays", async () => {
  const { page } = owner;
  await page.goto("/account/profile");
  const mails = page.getByRole("switch", { name: "A mail when a deployment, a backup or a restore fails" });
  const kept = async () => (await ask(page, "GET", "/me")).body.mail_on_failure;
  for (const wanted of [false, true]) {
    await mails.click();
    await until("it is saved", async () => (await kept()) === wanted);
    await page.reload();
    await mails.waitFor();
    assert.equal(await mails.isChecked(), wanted);
  }
});

test("the set-up link of an installation that is set up says so", async () => {
  const late = await person(browser, stoa.origin);
  await late.page.goto(stoa.setupLink);
  await late.page.getByRole("heading", { name: "Set up already" }).waitFor();
  await look(late.page, "set-up-already", { ready: "text=Sign in" });
  await late.page.getByRole("link", { name: "Sign in" }).click();
  await late.page.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("without a mail server nothing is offered that can't be done, and a wrong set-up link is told", async () => {
  const bare = await startStoa({});
  const visitor = await person(browser, bare.origin);
  const { page } = visitor;
  try {
    await page.goto(`${bare.setupLink}x`);
    await page.getByLabel("Your name").fill("Bea");
    await page.getByLabel("E-mail address").fill("bea@example.com");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByText("isn't the one that Stoa printed at its last start").waitFor();
    // What was refused isn't kept; what is right outlasts a reload of this tab, out of the address.
    const kept = () => page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
    const secret = bare.setupLink.split("#")[1];
    assert.ok(!(await kept()).includes(secret));
    await page.reload();
    await page.getByText("Open the whole link that Stoa printed").waitFor();
    await page.goto("/login");
    await page.goto(bare.setupLink);
    await page.getByLabel("Your name").waitFor();
    await page.reload();
    await page.getByLabel("Your name").fill("Bea");
    assert.equal(new URL(page.url()).hash, "");
    await page.getByLabel("E-mail address").fill("bea@example.com");
    await page.getByLabel("Password", { exact: true }).fill("short");
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByText("A password has at least 10 characters.").waitFor();
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByRole("heading", { name: "Workspaces" }).waitFor();
    assert.ok(!(await kept()).includes(secret));
    await page.goto("/account/profile");
    await page.getByText("STOA_SMTP_URL").waitFor();
    await look(page, "profile-no-mail", { ready: "text=STOA_SMTP_URL" });
    assert.equal(await page.getByRole("button", { name: "Confirm this address" }).count(), 0);
    await page.goto("/login/forgot");
    await page.getByRole("heading", { name: "This installation sends no mail" }).waitFor();
    await page.getByText("stoa admin reset-password ADDRESS").waitFor();
    await look(page, "forgot-no-mail", { ready: "text=stoa admin" });
  } finally {
    await bare.stop();
  }
});

test("an app is turned off with password and factor, when they weren't shown a moment ago", async () => {
  const { page } = owner;
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Turn off" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Turn it off" }).click();
  await page.getByText("An app on your phone").waitFor();
  await until("the mail that tells of it", async () =>
    /authenticator app/.test((await mail.to("anna@example.com")).subject),
  );
});

test("nothing that was looked at is out of reach, and nothing went wrong", () => {
  assert.deepEqual(findings, []);
  assert.deepEqual(owner.wrong, []);
});
