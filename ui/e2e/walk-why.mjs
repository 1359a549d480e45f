import { person, startBrowser } from "./browser.mjs";
import { startStoa } from "./stoa.mjs";
import { ask, joined, setUp } from "./team.mjs";
const stoa = await startStoa();
const browser = await startBrowser();
try {
  const owner = await person(browser, stoa.origin);
  await setUp(owner.page, stoa.setupLink);
  await ask(owner.page, "POST", "/workspaces", { name: "Acme", slug: "acme" });
  await ask(owner.page, "POST", "/workspaces/acme/servers", { name: "local", local: true });
  await ask(owner.page, "POST", "/workspaces/acme/projects", { name: "Shop" });
  const m = await joined(browser, stoa, owner, "Tess Ferreira", "tess@example.com", { actions: [], projects: [], instances: [], servers: [] }).catch((e) => { console.log("joined", e); throw e; });
  const paths = ["/acme/settings/general", "/acme/settings/ai", "/acme/settings/danger", "/acme/start", "/acme/projects", "/acme/projects/shop", "/acme/projects/shop/branches", "/acme/servers", "/acme/servers/local", "/acme/instances/none/logs", "/acme/instances/none/deployments/1", "/acme/activity", "/acme/members/none", "/acme/nonsense/x", "/administration", "/administration/nonsense", "/nobody/x", "/account/nonsense", "/acme/settings/nonsense"];
  const walk = async (who, page) => {
    for (const path of paths) {
      await page.goto(path);
      await page.waitForTimeout(900);
      const h1 = await page.locator("main h1").first().textContent({ timeout: 1000 }).catch(() => "(no h1)");
      const url = new URL(page.url()).pathname;
      const why = page.getByRole("main").getByRole("button", { name: "Why?" });
      const count = await why.count();
      let said = "";
      if (count > 0) {
        await why.first().click();
        await page.getByRole("dialog").waitFor();
        await page.waitForTimeout(700);
        said = await page.getByRole("dialog").innerText();
        await page.keyboard.press("Escape");
      }
      console.log(`${who} ${path}${url === path ? "" : ` -> ${url}`} | ${h1} | why ${count} | ${said.replace(/\n+/g, " / ").slice(0, 330)}`);
    }
  };
  await walk("member", m.page);
  await walk("owner", owner.page);
} finally { await browser.close(); await stoa.stop(); }
