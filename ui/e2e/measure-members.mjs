// How long a person waits on the members page and in the permissions dialog of a workspace with 500 members and 2,000
// instances. Nothing is asserted: run it by hand (`node e2e/measure-members.mjs`), and read what it prints.
//
// Each figure is the median of five, from the press or the navigation to the frame after what was waited for is in the
// document, measured inside the page.

import { join } from "node:path";
import { person, startBrowser } from "./browser.mjs";
import { spawned, startStoa, tree } from "./stoa.mjs";
import { ask, setUp } from "./team.mjs";

const say = (line) => process.stdout.write(`${line}\n`);
const ROUNDS = 5;
const stoa = await startStoa();
const browser = await startBrowser();
try {
  const { page } = await person(browser, stoa.origin);
  await setUp(page, stoa.setupLink);
  await ask(page, "POST", "/workspaces", { name: "Large", slug: "large" });
  await ask(page, "POST", "/workspaces/large/servers", { name: "local", local: true });
  await stoa.end();
  const seeded = await spawned("python3", [join(tree, "bench/seed_workspace.py"), stoa.data, "large"]);
  if (seeded.code !== 0) throw new Error(seeded.said);
  await stoa.again();

  const bytes = new Map();
  page.on("response", async (answer) => {
    const { pathname, search } = new URL(answer.url());
    if (!pathname.startsWith("/api/") || pathname.endsWith("/events")) return;
    const body = await answer.body().catch(() => null);
    if (body) bytes.set(pathname + search, body.length);
  });

  /** From now until `selector` is there and the next frame is drawn, in milliseconds. */
  const watch = (selector) =>
    page.evaluate(
      (selector) =>
        new Promise((go) => {
          const from = performance.now();
          const drawn = () => requestAnimationFrame(() => requestAnimationFrame(() => go(performance.now() - from)));
          const look = () => {
            if (!document.querySelector(selector)) return;
            watcher.disconnect();
            drawn();
          };
          const watcher = new MutationObserver(look);
          watcher.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
          look();
        }),
      selector,
    );
  const median = (figures) => figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)];
  const tell = (what, figures) =>
    say(`${what}: ${Math.round(median(figures))} ms (${figures.map(Math.round).join(", ")})`);

  const loads = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = Date.now();
    await page.goto("/large/members", { waitUntil: "commit" });
    await page.locator("tbody tr:nth-child(50)").waitFor({ state: "attached" });
    await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
    loads.push(Date.now() - from);
  }
  tell("navigation to the first fifty members drawn", loads);

  // What any page of the workspace takes, to compare with.
  const others = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const from = Date.now();
    await page.goto("/large/settings/general", { waitUntil: "commit" });
    await page.getByRole("heading", { name: "General" }).waitFor({ state: "attached" });
    await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
    others.push(Date.now() - from);
  }
  tell("for comparison, navigation to the settings drawn", others);
  await page.goto("/large/members");
  await page.locator("tbody tr:nth-child(50)").waitFor({ state: "attached" });

  const scrolled = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const count = await page.locator("tbody tr").count();
    const waits = watch(`tbody tr:nth-child(${count + 1})`);
    await page.mouse.wheel(0, 100_000);
    scrolled.push(await waits);
  }
  tell("scrolling to the end, to the next fifty drawn", scrolled);

  const searched = [];
  for (const text of ["member-4", "novák", "ada", "499", "zzz"]) {
    await page.getByLabel("Find a member").fill("");
    await page.locator("tbody tr:nth-child(50)").waitFor({ state: "attached" });
    const from = Date.now();
    await page.getByLabel("Find a member").fill(text);
    await page.waitForFunction(
      (text) => {
        const rows = [...document.querySelectorAll("tbody tr")];
        const fits = rows.every((row) => row.textContent.toLowerCase().includes(text));
        return fits && (rows.length > 0 || document.body.textContent.includes("No member fits"));
      },
      text,
      { polling: "raf" },
    );
    searched.push(Date.now() - from);
  }
  tell("typing into the search to its answer drawn (of it 120 ms are its pause)", searched);

  await page.getByLabel("Find a member").fill("member-000");
  await page.getByText("1,000 instances").or(page.getByText("1000 instances")).first().waitFor();
  const opened = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const waits = watch("[aria-label='Resource Access'] [role=combobox]");
    await page.getByRole("button", { name: /^Permissions of/ }).click();
    opened.push(await waits);
    await page.getByText(/1000 of 2000/).waitFor();
    await page.getByRole("button", { name: "Close" }).first().click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  tell("opening the dialog of a member with 1,000 instances, to both sections drawn", opened);

  await page.getByRole("button", { name: /^Permissions of/ }).click();
  const field = page.getByRole("combobox", { name: "Allowed instances" });
  await page.getByText(/1000 of 2000/).waitFor();
  const listed = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const waits = watch("[id$=-offers] [role=option]");
    await field.click();
    listed.push(await waits);
    await field.press("Escape");
    await page.locator("[id$=-offers]").waitFor({ state: "detached" });
  }
  tell("opening the list of 2,000", listed);
  const typed = [];
  await field.click();
  for (const text of ["site-03", "0042", "site-001", "99", "site-039-1999"]) {
    const waits = page.evaluate(
      (text) =>
        new Promise((go) => {
          const from = performance.now();
          const look = () => {
            const all = [...document.querySelectorAll("[id$=-offers] [role=option]")];
            if (all.length && all.every((one) => one.textContent.includes(text)))
              return requestAnimationFrame(() => go(performance.now() - from));
            requestAnimationFrame(look);
          };
          look();
        }),
      text,
    );
    await field.fill(text);
    typed.push(await waits);
  }
  tell("typing into it", typed);
  await field.fill("");
  const all = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const none = page.getByRole("button", { name: "Select none of Allowed instances" });
    await none.click();
    const waits = page.evaluate(
      () =>
        new Promise((go) => {
          const from = performance.now();
          const look = () =>
            document.body.textContent.includes("2000 of 2000")
              ? requestAnimationFrame(() => go(performance.now() - from))
              : requestAnimationFrame(look);
          look();
        }),
    );
    await page.getByRole("button", { name: /^Select all 2000 shown of Allowed instances/ }).click();
    all.push(await waits);
  }
  tell("selecting all 2,000", all);
  for (const [path, size] of [...bytes].filter(([path]) => /members|grantable|permissions/.test(path)))
    say(`${String(size).padStart(9)} bytes  ${path.replace(/[0-9a-f-]{36}/, "…")}`);
} finally {
  await browser.close();
  await stoa.stop();
}
