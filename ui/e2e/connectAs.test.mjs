// Connect as user, as a member with exactly that permission: pick, give a reason, land signed in; and every way in that
// must not be one.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join as joinPath } from "node:path";
import { after, before, test } from "node:test";
import { findings, look, person, startBrowser } from "./browser.mjs";
import { repository, startStoa } from "./stoa.mjs";
import { deployed, done, joined, permit, setUp, workshop } from "./team.mjs";

const W = "/workspaces/acme";
let stoa, browser, owner, member, other, repo, instance;

/** Sessions in files, and a form that is answered with where its visitor comes from. */
const APPLICATION = `
import html, http.server, json, os
class Answer(http.server.BaseHTTPRequestHandler):
    def who(self):
        pairs = dict(pair.strip().split("=", 1) for pair in self.headers.get("Cookie", "").split(";") if "=" in pair)
        try:
            with open("/data/" + os.path.basename(pairs["sid"])) as file: return json.load(file)["name"], pairs
        except (KeyError, OSError): return None, pairs
    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        for name, value in headers.items(): self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())
    def do_GET(self):
        name, pairs = self.who()
        if self.path == "/orders": return self.answer(302, "", Location=f"http://{self.headers['Host']}/", Set_Cookie="seen=yes; Path=/")
        said = f"Signed in as {name}" if name else "Nobody is signed in"
        form = "<form method=post action=/say><button>Say</button></form>"
        self.answer(200, f"<!doctype html><html lang=en><title>Shop</title><h1>{html.escape(said)}</h1><p>{'seen' in pairs}</p>{form}<a href=/orders>Orders</a>")
    def do_POST(self):
        own = f"http://{self.headers['Host']}"
        fits = self.headers.get("Origin") == own and self.headers.get("Referer", own + "/").startswith(own + "/")
        self.answer(200, f"<!doctype html><html lang=en><title>Shop</title><h1>{'The form is its own' if fits else 'The form is from elsewhere'}</h1>")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
`;

const USERS = `
import json, os, secrets, sys
USERS = [("1", "k.sand@acme.example", "Karin Sand", True), ("2", "k.mori@acme.example", "Kaito Mori", True),
    ("3", "k.oja@partner.example", "Katrin Oja", True), ("4", "l.karlsen@acme.example", "Lukas Karlsen", False),
    ("5", "root@acme.example", "Administrator", True)]
verb, asked = sys.argv[1], json.load(sys.stdin)
if verb == "list":
    query = asked["query"].lower()
    for id, login, name, active in USERS:
        if query == id or query in login or query in name.lower():
            print(json.dumps({"id": id, "login": login, "name": name, "active": active}))
elif verb == "open":
    name = next(name for id, _, name, _ in USERS if id == asked["user"])
    if name == "Administrator": sys.exit("administrators can't be connected as")
    sid = secrets.token_hex(16)
    with open("/data/" + sid, "w") as file: json.dump({"name": name, "reason": asked["reason"], "by": asked["actor"]}, file)
    print(json.dumps({"cookies": [{"name": "sid", "value": sid, "path": "/"}], "path": "/"}))
else:
    for cookie in asked["cookies"]:
        if cookie["name"] == "sid": os.remove("/data/" + os.path.basename(cookie["value"]))
`;

const SETTINGS = `
[run]
command = ["python3", "app.py"]
[connect_as]
kind = "command"
list = ["python3", "users.py", "list"]
open = ["python3", "users.py", "open"]
end = ["python3", "users.py", "end"]
`;

const call = (whose, ...asked) => done(whose.page, ...asked);

const here = () => `${W}/instances/${instance.id}`;
const grant = (actions) => permit(owner.page, member.id, { actions, instances: [instance.id] });

/** A link, asked for in somebody's name. */
const link = (whose, user = "1") => call(whose, "POST", `${here()}/connect-as`, { user, reason: "Ticket 4182" }, 201);

/** Opens a link in somebody's browser; the page that it ends at. */
async function follow(whose, url) {
  const page = await whose.context.newPage();
  await page.goto(url);
  return page;
}

const join = (name, email) => joined(browser, stoa, owner, name, email);

before(async () => {
  stoa = await startStoa();
  browser = await startBrowser();
  repo = await repository("guestbook");
  owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  const made = await workshop(owner.page);
  const files = { "app.py": APPLICATION, "users.py": USERS, "stoa.toml": SETTINGS };
  await repo.push(made.remote, "A shop with users", files);
  instance = await deployed(owner.page, made, { name: "shop-production", stage: "production" });
  member = await join("Mia Berg", "mia@example.com");
  other = await join("Olof Other", "olof@example.com");
  await grant(["connect_as_user"]);
});

after(async () => {
  await browser?.close();
  await stoa?.stop();
  await repo?.remove();
});

test("a member picks a user, gives a reason, and lands signed in as that user", async () => {
  const { page } = member;
  await page.goto("/acme/instances/shop-production");
  await page.getByRole("button", { name: "Connect as user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Karin Sand").waitFor();
  await dialog.getByLabel("Find a user").fill("ka");
  await dialog.getByText("4 users").waitFor();
  // By the keyboard alone; whom the application has switched off is passed over.
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await dialog.getByLabel("Reason").fill("Ticket 4182: discount isn’t shown on Karin’s basket");
  await look(page, "connect-as", { ready: "text=Connect as Karin Sand" });
  const [tab] = await Promise.all([
    member.context.waitForEvent("page"),
    dialog.getByRole("button", { name: "Connect as Karin Sand" }).click(),
  ]);
  await tab.getByRole("heading", { name: "Signed in as Karin Sand" }).waitFor();
  const { hostname } = new URL(tab.url());
  assert.match(hostname, /^as-[a-z]{16}\.localhost$/);
  assert.equal(await tab.evaluate(() => globalThis.opener), null);
  // Of the application's cookies the browser has none, and of Stoa's only the one of this host, which no script reads.
  const cookies = await member.context.cookies(tab.url());
  assert.deepEqual(
    cookies.map(({ name, httpOnly, domain }) => [name, httpOnly, domain]),
    [[`stoa-connect-${stoa.port}`, true, hostname]],
  );
  assert.equal(await tab.evaluate(() => document.cookie), "");
  // Forms are the application's own, and where it sends stays on this host.
  await tab.getByRole("button", { name: "Say" }).click();
  await tab.getByRole("heading", { name: "The form is its own" }).waitFor();
  await tab.goBack();
  await tab.getByRole("link", { name: "Orders" }).click();
  await tab.getByRole("heading", { name: "Signed in as Karin Sand" }).waitFor();
  await tab.getByText("True", { exact: true }).waitFor();
  assert.equal(new URL(tab.url()).hostname, hostname);
  // Nobody's own login is replaced: on the instance's own host nobody is signed in.
  const { url } = await call(member, "GET", here(), undefined, 200);
  const outside = await follow(member, url);
  await outside.getByRole("heading", { name: "Nobody is signed in" }).waitFor();
  await outside.close();

  // It is listed where it was begun, and ended there: at once, and in the application too.
  const going = dialog.getByRole("region", { name: "Connected now" });
  await going.getByText("Karin Sand").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Cancel" }).count(), 0);
  await look(page, "connect-as-going", { ready: "text=Connected now" });
  await going.getByRole("button", { name: "End the session as Karin Sand" }).click();
  await going.waitFor({ state: "detached" });
  await tab.reload();
  await tab.getByRole("heading", { name: "Session ended" }).waitFor();
  await tab.close();
  const { items } = await call(owner, "GET", `${W}/audit`, undefined, 200);
  const told = items.filter((event) => event.action.startsWith("connect_as."));
  assert.deepEqual(
    told.map((event) => [event.action, event.outcome, event.second_name]),
    [
      ["connect_as.end", "done", "Karin Sand"],
      ["connect_as.open", "done", "Karin Sand"],
      ["connect_as.ask", "done", "Karin Sand"],
    ],
  );
});

test("a permission that goes while the picker is open leaves what is missing, whole, and nothing to press", async () => {
  const { page } = member;
  await page.goto("/acme/instances/shop-production");
  await page.getByRole("button", { name: "Connect as user" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Karin Sand").click();
  await dialog.getByLabel("Reason").fill("Ticket 4182");
  await dialog.getByRole("button", { name: "Connect as Karin Sand" }).waitFor();
  await grant([]);
  const refused = dialog.getByRole("heading", { name: "You may not open this" });
  await refused.waitFor();
  assert.equal(await dialog.getByRole("button", { name: /^Connect/ }).count(), 0);
  // All of it is in the dialog's sight: the permission, and whom to ask.
  await dialog.getByText("Anna Lindqvist", { exact: true }).waitFor();
  const cut = await dialog.evaluate((element) =>
    [...element.querySelectorAll("div, section")]
      .filter((one) => one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY !== "visible")
      .map((one) => one.className),
  );
  assert.deepEqual(cut, []);
  // The focus of what is gone is in the dialog still.
  await page.waitForFunction(() => document.activeElement?.textContent === "Close");
  await look(page, "connect-as-refused", { ready: "text=You may not open this" });
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await grant(["connect_as_user"]);
});

test("a link is refused a second time, in another's hands, and when the permission is gone", async () => {
  const first = await link(member);
  const tab = await follow(member, first.url);
  await tab.getByRole("heading", { name: "Signed in as Karin Sand" }).waitFor();
  const again = await follow(member, first.url);
  await again.getByRole("heading", { name: "Link used" }).waitFor();
  // The link has left the address at once.
  assert.equal(new URL(again.url()).pathname, "/connect");
  assert.equal(await again.evaluate(() => document.referrer), "");
  await again.close();

  const second = await link(member);
  const theirs = await follow(other, second.url);
  await theirs.getByRole("heading", { name: "Another account" }).waitFor();
  await theirs.close();
  const stranger = await person(browser, stoa.origin);
  const signedOut = await follow(stranger, second.url);
  await signedOut.getByRole("heading", { name: "Sign in first" }).waitFor();
  await stranger.context.close();
  // What was refused to others still works for whom it is.
  const mine = await follow(member, second.url);
  await mine.getByRole("heading", { name: "Signed in as Karin Sand" }).waitFor();
  assert.notEqual(new URL(mine.url()).hostname, new URL(tab.url()).hostname);
  await mine.close();

  // In another browser the address of a session is nothing, and so it is once the permission is gone.
  const copied = await follow(other, tab.url());
  await copied.getByRole("heading", { name: "Not for this browser" }).waitFor();
  await copied.close();
  const third = await link(member);
  await grant([]);
  await tab.reload();
  await tab.getByRole("heading", { name: "Session ended" }).waitFor();
  assert.deepEqual(await member.context.cookies(tab.url()), []);
  await tab.close();
  const late = await follow(member, third.url);
  await late.getByRole("heading", { name: "Permission missing" }).waitFor();
  await late.close();
  await member.page.reload();
  await member.page.getByRole("heading", { name: "shop-production" }).waitFor();
  assert.equal(await member.page.getByRole("button", { name: "Connect as user" }).count(), 0);
  await grant(["connect_as_user"]);
});

test("what the application refuses is said, and an application that says nothing of it too", async () => {
  const refused = await link(owner, "5");
  const tab = await follow(owner, refused.url);
  await tab.getByRole("heading", { name: "The application didn't do it" }).waitFor();
  await tab.getByText("administrators can't be connected as").waitFor();
  await tab.close();
  await writeFile(joinPath(repo.folder, "stoa.toml"), '[run]\ncommand = ["python3", "app.py"]\n');
  await repo.git("commit", "--quiet", "--all", "--message=Say nothing");
  const project = await call(owner, "GET", `${W}/projects/shop`, undefined, 200);
  const { token } = await call(owner, "POST", "/me/tokens", { name: "again" }, 201);
  const remote = new URL(project.repository.url);
  remote.username = "anna";
  remote.password = token;
  await repo.git("push", "--quiet", remote, "main");
  await member.page.goto("/acme/instances/shop-production");
  const button = member.page.getByRole("button", { name: "Connect as user", disabled: true });
  await button.waitFor({ timeout: 60_000 });
  await member.page.getByText("add [connect_as]", { exact: false }).first().waitFor({ state: "attached" });
});

test("nothing was logged as an error, and axe found nothing", () => {
  for (const { wrong } of [owner, member, other]) assert.deepEqual(wrong, []);
  assert.deepEqual(findings, []);
});
