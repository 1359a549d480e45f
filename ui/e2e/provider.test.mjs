// Signing in at a real OpenID Connect provider: with an address that both have verified, linked, refused, and with the
// second factor that Stoa asks for all the same.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import Provider from "oidc-provider";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { freePort, startMail, startStoa, until } from "./stoa.mjs";
import { ask, joinAs, PASSWORD, setUp } from "./team.mjs";

let mail, stoa, browser, owner, guest, server, verified;

/** Everybody who signs in there has their login name as address; whether it is verified, the test says. */
async function startProvider(port, redirect) {
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [{ client_id: "stoa", client_secret: "a secret of the client's", redirect_uris: [redirect] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: verified, name: id }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ["a key of the test's"] },
  });
  const listening = provider.listen(port, "127.0.0.1");
  await once(listening, "listening");
  return listening;
}

async function signInThere(page, login) {
  await page.locator("input[name=login]").fill(login);
  await page.locator("input[name=password]").fill("anything");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]").click();
}

async function signOut(page) {
  await page.evaluate(() => fetch("/api/v1/session", { method: "DELETE" }));
  // There too, or it would say at once who one is.
  const own = (await page.context().cookies()).filter(({ name }) => name.startsWith("stoa-"));
  await page.context().clearCookies();
  await page.context().addCookies(own);
  await page.goto("/login");
}

before(async () => {
  verified = true;
  mail = await startMail();
  const port = await freePort();
  stoa = await startStoa({
    mail,
    environment: {
      STOA_OIDC_ISSUER: `http://127.0.0.1:${port}`,
      STOA_OIDC_CLIENT_ID: "stoa",
      STOA_OIDC_CLIENT_SECRET: "a secret of the client's",
      STOA_OIDC_NAME: "Company",
      STOA_EGRESS_ALLOW: `127.0.0.1:${port}`,
    },
  });
  server = await startProvider(port, `${stoa.origin}/oidc/callback`);
  browser = await startBrowser();
  owner = await person(browser, stoa.origin);
  const { page } = owner;
  await setUp(page, stoa.setupLink);
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  await stoa?.stop();
  await mail?.stop();
});

test("an address that wasn't confirmed here isn't signed in", async () => {
  const { page } = owner;
  await signOut(page);
  await page.getByRole("button", { name: "Continue with Company" }).waitFor();
  await look(page, "sign-in-provider", { ready: "text=Continue with Company" });
  await page.getByRole("button", { name: "Continue with Company" }).click();
  await signInThere(page, "anna@example.com");
  await page.getByText("never confirmed it").waitFor();
  assert.equal(new URL(page.url()).search, "");
  await look(page, "provider-refused", { ready: "text=You weren't signed in" });
});

test("nobody gets an account by signing in there", async () => {
  const { page } = owner;
  await signOut(page);
  await page.getByRole("button", { name: "Continue with Company" }).click();
  await signInThere(page, "stranger@example.com");
  await page.getByText("No account that may sign in has the address").waitFor();
});

test("an address that both have verified signs in, and stays linked", async () => {
  const { page } = owner;
  await signOut(page);
  await page.getByLabel("E-mail address").fill("anna@example.com");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Workspaces" }).waitFor();
  await page.goto("/account/profile");
  await page.getByRole("button", { name: "Confirm this address" }).click();
  const letter = await until("the link", async () => {
    const found = await mail.to("anna@example.com");
    return found.text.includes("/account/email/") ? found : null;
  });
  await page.goto(letter.text.match(/^http\S+\/account\/email\/\S+$/m)[0]);
  await page.getByRole("button", { name: "Confirm the address" }).click();
  await page.getByRole("heading", { name: "The address is confirmed" }).waitFor();

  await signOut(page);
  verified = false;
  await page.getByRole("button", { name: "Continue with Company" }).click();
  await signInThere(page, "anna@example.com");
  await page.getByText("The provider hasn't verified your e-mail address").waitFor();

  await signOut(page);
  verified = true;
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Continue with Company" }).click();
  await signInThere(page, "anna@example.com");
  // Back at the page that was asked for.
  await page.getByText("Linked").waitFor();
  await look(page, "security-provider", { ready: "text=Linked" });
});

test("what the provider sent along works once, and in no other browser", async () => {
  const { page } = owner;
  await signOut(page);
  let sent;
  page.on("request", (request) => {
    if (request.url().endsWith("/provider/callback")) sent = request.postData();
  });
  await page.getByRole("button", { name: "Continue with Company" }).click();
  await signInThere(page, "anna@example.com");
  await page.getByRole("heading", { name: "Workspaces" }).waitFor();
  const again = (body) =>
    fetch("/api/v1/session/provider/callback", {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    }).then(async (answer) => [answer.status, (await answer.json()).errors?.[0]?.field]);
  assert.deepEqual(await page.evaluate(again, sent), [422, "state"]);
  const other = await person(browser, stoa.origin);
  await other.page.goto("/login");
  assert.deepEqual(await other.page.evaluate(again, sent), [422, "state"]);
});

test("it is unlinked again", async () => {
  const { page } = owner;
  await page.goto("/account/security");
  await page.getByRole("button", { name: "Unlink" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Unlink" }).click();
  const asked = page.getByRole("dialog", { name: "Enter your password" });
  const done = page.getByRole("button", { name: "Link", exact: true });
  await asked.or(done).first().waitFor();
  if (await asked.isVisible()) {
    await asked.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await asked.getByRole("button", { name: "Go on" }).click();
  }
  await done.waitFor();
});

test("an invitation goes on at the provider, and comes back to itself", async () => {
  const { page } = owner;
  const email = "bea@example.com";
  const invited = async (workspace) => {
    const made = await ask(page, "POST", `/workspaces/${workspace.toLowerCase()}/invitations`, { email });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const letter = await until(`the link into ${workspace}`, async () => {
      const found = await mail.to(email);
      return found.subject.includes(workspace) ? found : null;
    });
    return letter.text.match(/^http\S+\/invitations\/\S+$/m)[0];
  };
  for (const name of ["Acme", "Umbra"]) {
    const made = await ask(page, "POST", "/workspaces", { name });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  }
  const bea = await person(browser, stoa.origin);
  guest = bea;
  await bea.page.goto(await invited("Acme"));
  // Whoever has no account makes one: the provider makes none.
  await bea.page.getByLabel("Your name").waitFor();
  assert.equal(await bea.page.getByRole("button", { name: "Continue with Company" }).count(), 0);
  await joinAs(bea.page, "Bea Brandt", "acme");
  await bea.page.evaluate(() => fetch("/api/v1/session", { method: "DELETE" }));

  const link = await invited("Umbra");
  await bea.page.goto(link);
  await bea.page.getByText("This address has an account").waitFor();
  await look(bea.page, "invitation-provider", { ready: "text=Continue with Company" });
  await bea.page.getByRole("button", { name: "Continue with Company" }).click();
  await bea.page.waitForURL(/127\.0\.0\.1/);
  // Whoever turns back there is led to the invitation again.
  await bea.page.goto(`${stoa.origin}/oidc/callback?error=access_denied`);
  await bea.page.getByRole("button", { name: "Back to the invitation" }).click();
  await bea.page.getByRole("heading", { name: "Join Umbra" }).waitFor();
  await bea.page.getByRole("button", { name: "Continue with Company" }).click();
  await signInThere(bea.page, email);
  await bea.page.getByRole("button", { name: "Join as Bea Brandt" }).waitFor();
  const kept = await bea.page.evaluate(() => location.href + JSON.stringify({ ...sessionStorage, ...localStorage }));
  assert.ok(!kept.includes(link.split("/").at(-1)), "the secret is in the page's memory alone again");
  await bea.page.getByRole("button", { name: "Join as Bea Brandt" }).click();
  await bea.page.waitForURL(/\/umbra/);
});

test("nothing that was looked at is out of reach, and nothing went wrong", () => {
  assert.deepEqual(findings, []);
  // The provider's own pages ask for letters from elsewhere, which nothing here can reach.
  const ours = [...owner.wrong, ...guest.wrong].filter((one) => !/ERR_NAME_NOT_RESOLVED/.test(one));
  assert.deepEqual(ours, []);
});
