// Drives Debian's Chromium, the one without a window where it is there: it takes a third less of the processor. Every
// page is watched: what it logs as an error, and what its content policy refused.

import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const programs = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];
const pictures = process.env.E2E_PICTURES;

/** `args`: more for Chromium, such as where names lead. */
export async function startBrowser({ args = [] } = {}) {
  return chromium.launch({
    executablePath: process.env.E2E_CHROMIUM ?? programs.find(existsSync),
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A page lives for seconds here: what its optimizing compilers work out beside it is never used, and costs a tenth
      // of all that the browsers take.
      "--js-flags=--no-maglev --no-turbofan",
      ...args,
    ],
  });
}

/** Somebody with a browser of their own. */
export async function person(browser, origin, options = {}) {
  const context = await browser.newContext({
    baseURL: origin,
    viewport: { width: 1440, height: 900 },
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  // A timer that comes again would be polling; the page has none.
  await context.addInitScript(() => {
    globalThis.setInterval = () => {
      throw new Error("setInterval was called");
    };
  });
  const page = await context.newPage();
  const wrong = [];
  const asked = [];
  // What is refused is the page's to tell; a browser calls it an error, of a WebSocket in other words.
  const refused = /status of (401|403|404|409|410|412|422|502|503)|WebSocket .*response code: (403|404|409|503)/;
  page.on("console", (said) => {
    if (said.type() === "error" && !refused.test(said.text())) wrong.push(said.text());
  });
  page.on("pageerror", (failure) => wrong.push(String(failure)));
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  // Longer than anything takes here: a file in which something failed is run once more as a whole, which takes longer.
  page.setDefaultTimeout(30_000);
  return { context, page, wrong, asked };
}

/**
 * From now on one kind of question to an address is answered by something before Stoa that doesn't reach it, until what
 * is given back is called; `asked` counts them.
 */
export async function failing(page, where, method = "GET") {
  const told = async () => page.unroute(where);
  told.asked = 0;
  await page.route(where, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    await route.fulfill({ status: 503, contentType: "text/plain", body: "no answer from behind" });
    told.asked += 1;
  });
  return told;
}

/** What axe found, over all screens: told whole at the end, so that one screen doesn't hide the next. */
export const findings = [];

/** Which of axe's rules a look applies: colours are the same at every width, and what isn't a colour in both schemes. */
const RULES = {
  all: { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] },
  colors: { runOnly: { type: "rule", values: ["color-contrast"] } },
};

async function accessible(page, where, rules) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  // Told in the page itself: axe answers with every element that it has seen, and carrying that over takes as long as
  // looking does.
  const told = await page.evaluate(async (options) => {
    const { violations } = await globalThis.axe.run(document, {
      ...options,
      resultTypes: ["violations"],
      rules: { region: { enabled: false } },
    });
    return violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map((node) => `${node.target} ${node.any[0]?.message ?? ""}`)
          .join(" | ")}`,
    );
  }, rules);
  findings.push(...told.map((one) => `${where}: ${one}`));
}

/** Looks at a screen in both schemes, wide and on a phone, and once between them: by axe, and by a picture where pictures are wanted. */
export async function look(page, name, { ready, wideOnly = false } = {}) {
  const before = page.viewportSize();
  let shown = null;
  // In an order in which the scheme changes once: that draws the whole page anew.
  for (const [scheme, width, height, rules] of [
    ["light", 1440, 900, RULES.all],
    ["light", 768, 1024, null],
    ["light", 390, 844, RULES.all],
    ["dark", 390, 844, RULES.colors],
    ["dark", 1440, 900, RULES.colors],
  ]) {
    if (wideOnly && width < 1000) continue;
    await page.setViewportSize({ width, height });
    if (scheme !== shown) await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    shown = scheme;
    if (ready) await page.locator(ready).first().waitFor();
    // All of it in one question: there and back takes longer than most of what is asked.
    const isWider = await page.evaluate(async (wanted) => {
      const drawn = () => new Promise((go) => requestAnimationFrame(go));
      const begun = performance.now();
      while (document.documentElement.dataset.mantineColorScheme !== wanted) {
        if (performance.now() - begun > 30_000) throw new Error(`the page never became ${wanted}`);
        await drawn();
      }
      await document.fonts.ready;
      await drawn();
      await drawn();
      await Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})));
      // What hears of another width draws itself anew, on a busy machine a few frames later. What stays wider is.
      const isWider = () => document.documentElement.scrollWidth > innerWidth + 1;
      const shownAt = performance.now();
      while (isWider() && performance.now() - shownAt < 5000) await drawn();
      return isWider();
    }, scheme);
    if (pictures) {
      await mkdir(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${name}-${scheme}-${width}.png`) });
    }
    if (isWider) findings.push(`${name} is wider than ${width}`);
    if (rules) await accessible(page, `${name}, ${scheme}, ${width}`, rules);
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}
