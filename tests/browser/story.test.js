// The story of the demo in a real browser, with JavaScript and without: the same pages, the same outcome.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { browser as launch, serve, signIn } from "./server.js";

for (const javaScriptEnabled of [true, false]) {
  describe(`the story, JavaScript ${javaScriptEnabled ? "on" : "off"}`, () => {
    let server, browser, number;
    const pages = [];
    // Without JavaScript by the keyboard, which has to do for everything.
    const press = (locator) => (javaScriptEnabled ? locator.click() : locator.press("Enter"));
    const open = async (login) => {
      const page = await signIn(browser, server, login, { javaScriptEnabled });
      page.setDefaultTimeout(10_000);
      pages.push(page);
      return page;
    };
    before(async () => {
      server = await serve();
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await server?.stop();
    });

    it("a customer starts an expense claim from the catalogue and sees where it stands", async () => {
      const page = await open("customer");
      await press(page.getByRole("link", { name: "Start: Expense claim" }));
      // Refused: the summary has the focus, what was typed is still there.
      await page.getByLabel(/Amount/).fill("400.999");
      await page.getByLabel(/Message/).fill("Train to Kiel and back");
      await press(page.getByRole("button", { name: "Submit" }));
      await page.getByRole("alert").waitFor();
      assert.match(await page.getByRole("alert").innerText(), /more than 2 digits/);
      assert.equal(await page.getByLabel(/Message/).inputValue(), "Train to Kiel and back");
      if (javaScriptEnabled) assert.ok(await page.evaluate(() => document.activeElement.matches("[data-focus]")));
      await page.getByLabel(/Amount/).fill("400.00");
      await page.getByLabel(/Receipt/).setInputFiles({ name: "ticket.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 receipt") });
      await press(page.getByRole("button", { name: "Submit" }));
      await page.waitForURL(/\/tickets\/\d+/);
      number = page.url().split("/").pop();
      await page.getByRole("heading", { name: "Claim over 400.00 EUR" }).first().waitFor();
      const steps = page.locator("ol.steps li");
      assert.equal(await steps.filter({ hasText: "Claim expenses" }).getAttribute("class"), "done");
      assert.equal(await steps.filter({ hasText: "Manager's approval" }).getAttribute("aria-current"), "step");
      assert.equal(await page.locator("svg.process g.current").count(), 2);
      assert.equal(await page.getByRole("link", { name: "ticket.pdf" }).count(), 1);
    });

    it("an agent finds it on the dashboard and in the queue, writes, changes it, checks the receipts", async () => {
      const page = await open("agent");
      await page.goto(`${server.url}/agent`);
      await page.getByRole("link", { name: number }).first().waitFor();
      await press(page.getByRole("link", { name: "Finance" }));
      await page.getByRole("heading", { name: "Finance", level: 1 }).waitFor();
      await press(page.getByRole("link", { name: number }));
      await page.getByRole("heading", { name: "Next steps" }).waitFor();
      const write = async (kind, subject, text) => {
        await press(page.locator("summary", { hasText: kind }));
        const form = page.locator("details[open]").filter({ hasText: kind });
        await form.getByLabel("Subject").fill(subject);
        await form.getByLabel("Message").fill(text);
        await press(form.getByRole("button", { name: "Send" }));
        await page.getByText(text).first().waitFor();
      };
      await write("Answer the customer", "Thank you", "We are looking at it.");
      await write("Write a note", "For us", "Looks unusual, ask Mia.");
      await press(page.locator("summary", { hasText: "Change" }).last());
      await page.getByLabel("State").selectOption("open");
      await page.getByLabel("Priority").selectOption("high");
      await page.getByLabel("Owner").selectOption("agent");
      await press(page.getByRole("button", { name: "Save" }));
      await page.locator("dl.facts").getByText("high").first().waitFor();
      await press(page.getByRole("button", { name: "Receipts are good" }));
      await page.locator("svg.process g.done", { hasText: "Check the receipts" }).waitFor();
    });

    it("the manager approves, the branches join, the ticket closes by itself", async () => {
      const page = await open("manager");
      await page.goto(`${server.url}/agent/tickets/${number}`);
      assert.equal(await page.getByText("Looks unusual").count(), 1, "the manager reads the finance queue");
      await press(page.getByRole("button", { name: "Approve" }));
      await page.getByText("ended: Paid", { exact: true }).waitFor();
      assert.equal(await page.locator("svg.process g.done").count(), 5);
    });

    it("the history tells all of it, the customer is told", async () => {
      const page = await open("agent");
      await page.goto(`${server.url}/agent/tickets/${number}`);
      await press(page.locator("summary", { hasText: "Show the history" }));
      const history = await page.locator("#history").innerText();
      for (const line of ["Ticket created in finance", "Vote of Mia Berg: approve", "State: open → closed successful", "Notification claim_paid to Anna Albers", "Owner: – → Otto Ohlsen"]) {
        assert.ok(history.includes(line), `${line} is missing in\n${history}`);
      }
      const customer = await open("customer");
      await customer.goto(`${server.url}/notifications`);
      await customer.getByText(`Your claim ${number} is paid`).waitFor();
      await customer.goto(`${server.url}/tickets/${number}`);
      assert.equal(await customer.getByText("Looks unusual").count(), 0, "internal notes stay internal");
      await customer.getByText("We are looking at it.").waitFor();
    });

    it("a leave request is corrected, claimed and granted, in German", async () => {
      const page = await open("carla");
      await press(page.getByRole("link", { name: "Starten: Urlaubsantrag" }));
      await page.getByLabel(/Erster Tag/).fill("2027-08-10");
      await page.getByLabel(/Letzter Tag/).fill("2027-08-01");
      await press(page.getByRole("button", { name: "Absenden" }));
      await page.waitForURL(/\/tickets\/\d+/);
      const leave = page.url().split("/").pop();
      await page.getByLabel(/Letzter Tag/).fill("2027-08-20");
      await press(page.getByRole("button", { name: "Erneut senden" }));
      await page.locator("ol.steps li.current", { hasText: "Genehmigung" }).waitFor();
      const manager = await open("manager");
      await manager.goto(`${server.url}/agent/tickets/${leave}`);
      await press(manager.getByRole("button", { name: "Approve" }));
      await manager.locator("svg.process g.done", { hasText: "Approval" }).waitFor();
      const paul = await open("paul");
      await paul.goto(`${server.url}/agent/work`);
      await press(paul.getByRole("link", { name: leave }));
      await press(paul.getByRole("button", { name: /Übernehmen/ }));
      await press(paul.getByRole("button", { name: "Absenden" }));
      await paul.getByText("beendet: Genehmigt", { exact: true }).waitFor();
    });

    it("an agent cannot close without a solution, is told why, and closes with one", async () => {
      const page = await open("agent");
      await page.goto(`${server.url}/agent/queue?queue=it&open=1`);
      await press(page.getByRole("table").getByRole("link").first());
      await press(page.locator("summary", { hasText: "Change" }).last());
      const states = () => page.getByLabel("State").locator("option").allTextContents();
      assert.ok(!(await states()).includes("closed successful"));
      await press(page.locator("summary", { hasText: "Why is something missing here?" }).first());
      const why = page.locator(".why li", { hasText: "closed successful" });
      assert.match(await why.innerText(), /Enter the solution first.*close_needs_solution.*ticket.fields.solution = not set/s);
      await page.getByLabel("Solution").fill("A new cable");
      if (javaScriptEnabled) await page.getByLabel("Solution").blur();
      else await press(page.getByRole("button", { name: "Update the form" }));
      await page.locator("option[value=closed_successful]").waitFor({ state: "attached" });
      assert.equal(await page.getByLabel("Solution").inputValue(), "A new cable");
      await page.getByLabel("State").selectOption("closed_successful");
      await press(page.getByRole("button", { name: "Save" }));
      await page.locator("dl.facts").getByText("closed successful").waitFor();
    });

    if (javaScriptEnabled) {
      it("two agents see each other, and what happens, without a reload", async () => {
        const [page, other] = [await open("agent"), await open("tina")];
        await page.goto(`${server.url}/agent/queue?queue=it&open=1`);
        await press(page.getByRole("table").getByRole("link").first());
        await page.locator("[data-ticket]").waitFor();
        const url = page.url();
        await other.goto(url);
        await page.locator("#presence", { hasText: "Tina Brandt" }).waitFor();
        await other.locator("#presence", { hasText: "Otto Ohlsen" }).waitFor();
        // Given to Tina: her bell rings, and her page shows it.
        const bell = Number((await other.locator("a.bell .count").textContent().catch(() => "0")) || 0);
        await press(page.locator("summary", { hasText: "Change" }).last());
        await page.getByLabel("Owner").selectOption("tina");
        await press(page.getByRole("button", { name: "Save" }));
        await other.locator("dl.facts").getByText("Tina Brandt").waitFor();
        await other.locator("a.bell .count", { hasText: String(bell + 1) }).waitFor();
        // Who types is not disturbed.
        await press(page.locator("summary", { hasText: "Write a note" }));
        await page.locator("details[open]").getByLabel("Message").fill("Half a sentence");
        await press(other.locator("summary", { hasText: "Notiz schreiben" }));
        await other.locator("details[open]").getByLabel("Nachricht").fill("Ich kümmere mich darum.");
        await press(other.locator("details[open]").getByRole("button", { name: "Senden" }));
        await page.locator(".meanwhile").waitFor();
        assert.equal(await page.locator("details[open]").getByLabel("Message").inputValue(), "Half a sentence");
        // Whoever leaves is gone.
        await other.goto(`${server.url}/agent`);
        await page.locator("#presence", { hasText: "Tina" }).waitFor({ state: "detached" });
      });
    }

    it("nothing complained", () => {
      for (const page of pages) assert.deepEqual(page.complaints, []);
    });
  });
}
