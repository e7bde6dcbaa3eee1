// axe-core on every page: light and dark, small and large, German and English. And the keyboard alone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { browser as launch, serve, signIn } from "./server.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe("every page can be used by everybody", () => {
  let server, browser, number, mailed;
  before(async () => {
    server = await serve();
    browser = await launch();
    const page = await signIn(browser, server, "customer");
    await page.goto(`${server.url}/start/expense_claim`);
    await page.getByLabel(/Amount/).fill("400.00");
    await page.getByLabel(/Message/).fill("Train");
    await page.getByRole("button", { name: "Submit" }).click();
    await page.waitForURL(/\/tickets\/\d+/);
    number = page.url().split("/").pop();
    const said = server.mail("From: customer@example.org\nTo: support@example.org\nSubject: VPN\nContent-Type: text/html\n\n<p>It is down.</p>\n");
    mailed = said.match(/ticket (\d+)/)[1];
    server.mail("\n");
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const pages = {
    customer: ["/", "/start/expense_claim", "/start/leave_request", "/tickets/N", "/notifications", "/settings", "/nowhere"],
    agent: ["/agent", "/agent/queue", "/agent/work", "/agent/new", "/agent/tickets/N", "/agent/tickets/MAIL"],
    admin: ["/admin", "/agent/tickets/N", "/agent/tickets/MAIL", "/admin/jobs", "/admin/jobs/close_waiting", "/admin/notifications", "/admin/notifications/key_account", "/admin/outbox", "/admin/outbox?state=sent", "/admin/mail", "/admin/mail?state=quarantined", "/admin/mail/1", "/admin/mail/2", "/admin/mail/accounts"],
    tina: ["/agent", "/agent/tickets/N"],
    carla: ["/", "/start/leave_request", "/tickets/N"],
  };
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
      it(`axe finds nothing: ${colorScheme}, ${width} px`, async () => {
        const found = [];
        for (const [login, paths] of Object.entries(pages)) {
          // The page's own policy forbids foreign scripts; the test brings axe in around it.
          const page = await signIn(browser, server, login, { colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
          for (const path of paths) {
            await page.goto(server.url + path.replace(/N$/, number).replace("MAIL", mailed));
            await page.evaluate(() => document.querySelectorAll("main details").forEach((d) => (d.open = true)));
            await page.evaluate(axe);
            const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
            for (const v of violations) found.push(`${login} ${path}: ${v.id} ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`);
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            if (overflow > 0) found.push(`${login} ${path}: the page is ${overflow} px too wide`);
          }
          await page.context().close();
        }
        assert.deepEqual(found, []);
      });
    }
  }

  it("the sign-in pages too", async () => {
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    for (const path of ["/sign-in", "/link/abc"]) {
      await page.goto(server.url + path);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map((v) => v.id), [], path);
    }
    await context.close();
  });

  it("the keyboard alone starts a claim", async () => {
    const page = await signIn(browser, server, "customer");
    const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.getAttribute("name"));
    const tabTo = async (text) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const label = await page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? "");
        if ((await focused()) === text || label === text) return;
      }
      assert.fail(`${text} cannot be reached`);
    };
    await tabTo("Start: Expense claim");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, "solid", "the focus is visible");
    await page.keyboard.press("Enter");
    await page.getByLabel(/Amount/).waitFor();
    await tabTo("f.amount");
    await page.keyboard.type("20.00");
    await tabTo("article");
    await page.keyboard.type("Taxi");
    await tabTo("Submit");
    await page.keyboard.press("Enter");
    await page.getByText("ended: Paid", { exact: true }).waitFor();
  });

  it("a list of fifty rows stays small", async () => {
    const page = await signIn(browser, server, "agent");
    const response = await page.goto(`${server.url}/agent/queue?state=*`);
    const { gzipSync } = await import("node:zlib");
    assert.ok(gzipSync(await response.body()).length < 30 * 1024);
  });
});
