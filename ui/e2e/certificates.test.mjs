// What the settings of an instance say of where its domains lead, and of their certificates: with TLS by Stoa itself and
// a real authority.

import assert from "node:assert/strict";
import { chmod, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { certificates, startAuthority, startNames } from "./authority.mjs";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { freePort, repository, startStoa } from "./stoa.mjs";
import { ask, setUp } from "./team.mjs";

const API = "/workspaces/acme";
const SHOP = "/acme/instances/shop";
const [DOMAIN, BLOCKED] = ["shop.example.org", "blocked.example.org"];
let folder, names, authority, stoa, browser, owner, repo;

const call = async (method, path, body) => {
  const answer = await ask(owner.page, method, `${API}${path}`, body);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "stoa-e2e-tls-"));
  for (const name of ["first.pem", "first.key"]) await copyFile(join(certificates, name), join(folder, name));
  await chmod(join(folder, "first.key"), 0o600);
  names = await startNames();
  const port = await freePort();
  const environment = {
    STOA_PUBLIC_URL: `https://stoa.test:${port}`,
    STOA_TLS_LISTEN: `127.0.0.1:${port}`,
    STOA_TLS_CERT_FILE: join(folder, "first.pem"),
    STOA_TLS_KEY_FILE: join(folder, "first.key"),
    STOA_INSTANCE_DOMAIN: "apps.test",
    STOA_DNS_SERVER: `127.0.0.1:${names.port}`,
    STOA_ACME_DIRECTORY: "https://localhost:1/dir",
    SSL_CERT_FILE: join(certificates, "authority.pem"),
  };
  stoa = await startStoa({ environment });
  // Where the authority looks is known once Stoa has its port.
  const httpPort = stoa.port;
  authority = await startAuthority({ folder, names, httpPort, blocked: [BLOCKED] });
  environment.STOA_ACME_DIRECTORY = authority.directory;
  browser = await startBrowser({ args: ["--host-resolver-rules=MAP *.test 127.0.0.1"] });
  owner = await person(browser, environment.STOA_PUBLIC_URL, { ignoreHTTPSErrors: true });
  await setUp(owner.page, stoa.setupLink);
  await stoa.end();
  await stoa.again();
  const made = await ask(owner.page, "POST", "/workspaces", { name: "Acme" });
  assert.equal(made.status, 201);
  const server = (await call("POST", "/servers", { name: "here", local: true })).id;
  const project = await call("POST", "/projects", { name: "shop" });
  repo = await repository("guestbook");
  const token = await ask(owner.page, "POST", "/me/tokens", { name: "laptop" });
  const remote = new URL(project.repository.url);
  remote.username = "anna";
  remote.password = token.body.token;
  const here = ["-c", `http.curloptResolve=stoa.test:${port}:127.0.0.1`, "-c", "http.sslVerify=false"];
  await repo.git(...here, "push", "--quiet", remote.href, "main");
  await call("POST", "/instances", { name: "shop", project: project.id, server, stage: "staging", branch: "main" });
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await authority?.stop();
  await repo?.remove();
  names?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const domains = (page) => page.getByRole("region", { name: "Domains", exact: true });
const row = (page, host) => domains(page).getByRole("listitem").filter({ hasText: host });

async function add(page, host) {
  await page.getByLabel("Domain to add").fill(host);
  await page.getByRole("button", { name: "Add a domain" }).click();
  const proof = await row(page, host).locator("pre").textContent();
  names.texts.set(`_stoa.${host}`, proof);
}

test("a domain says where it leads, waits for DNS, and has a certificate until a day", async () => {
  const { page } = owner;
  await page.goto(`${SHOP}/settings`);
  names.addresses.set(DOMAIN, "203.0.113.9");
  await add(page, DOMAIN);
  await row(page, DOMAIN).getByRole("button", { name: "Check now" }).click();
  await row(page, DOMAIN).getByText("Verified").waitFor();
  const waiting = `Waiting for DNS: ${DOMAIN} points to 203.0.113.9, and should point to 127.0.0.1.`;
  await row(page, DOMAIN).getByText(waiting).waitFor();
  await row(page, DOMAIN).getByText("CNAME shop-acme.apps.test").waitFor();
  await look(page, "certificate-waits", { ready: "text=Waiting for DNS" });
  names.addresses.delete(DOMAIN);
  await row(page, DOMAIN).getByRole("button", { name: "Check now" }).click();
  await row(page, DOMAIN).getByText("It points here.").waitFor();
  await row(page, DOMAIN)
    .getByText(/^Certificate until \d{1,2} \w+ 20\d\d, renewed in time by itself\.$/)
    .waitFor();
});

test("a refusal is told in the authority's words, and a domain that is removed takes all of it along", async () => {
  const { page } = owner;
  await add(page, BLOCKED);
  await row(page, BLOCKED).getByRole("button", { name: "Check now" }).click();
  await row(page, BLOCKED)
    .getByText(/^Refused by the certificate authority: .+\. It is tried again in \d min\.$/)
    .waitFor();
  await look(page, "certificate-refused", { ready: "text=Refused by the certificate authority" });
  await page.getByRole("button", { name: `Remove ${BLOCKED}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove the domain" }).click();
  await row(page, BLOCKED).waitFor({ state: "detached" });
  const { items } = await call("GET", "/audit?action=certificate.refuse");
  assert.deepEqual(
    items.map(({ sentence }) => sentence),
    [`was refused a certificate for ${BLOCKED}`],
  );
});

test("an authority that is away is told, and what is there goes on", async () => {
  const { page } = owner;
  await authority.stop();
  const late = "late.example.org";
  await add(page, late);
  await row(page, late).getByRole("button", { name: "Check now" }).click();
  await row(page, late)
    .getByText(/^The certificate authority doesn't answer as it should: .+\. It is tried again .+\.$/)
    .waitFor();
  await row(page, DOMAIN)
    .getByText(/^Certificate until/)
    .waitFor();
  const { domains: told } = await call("GET", "/instances/shop/settings");
  assert.equal(told.find(({ host }) => host === late).certificate.trouble, "away");
  assert.deepEqual(owner.wrong, []);
  assert.deepEqual(findings, []);
});
