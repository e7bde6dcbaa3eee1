// Hostile mails in a real browser: nothing of them runs, loads, or leaves its frame.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { browser as launch, serve, signIn } from "./server.js";

const cases = JSON.parse(readFileSync(new URL("../attacks/html.json", import.meta.url)));

describe("hostile mails", () => {
  let server, browser, sink, page;
  const hits = [];
  const tickets = new Map();
  before(async () => {
    sink = createServer((request, response) => {
      hits.push(request.url);
      response.end();
    });
    await new Promise((done) => sink.listen(0, "127.0.0.1", done));
    const address = `127.0.0.1:${sink.address().port}`;
    server = await serve();
    browser = await launch();
    for (const [at, { id, html }] of cases.entries()) {
      const hostile = html.replaceAll("SINK", address);
      // A06, A07, A13: the same in subject, name and file name.
      const line = hostile.replaceAll(/[\r\n\0\f]/g, " ").slice(0, 200);
      const word = Buffer.from(line).toString("base64");
      const said = server.mail(
        [
          `From: =?utf-8?B?${word}?= <a${at}@else.example>`,
          "To: support@example.org",
          `Subject: =?utf-8?B?${Buffer.from(`${id} ${at} `).toString("base64")}?= =?utf-8?B?${word}?=`,
          "MIME-Version: 1.0",
          "Content-Type: multipart/mixed; boundary=b",
          "",
          "--b",
          "Content-Type: text/html; charset=utf-8",
          "Content-Transfer-Encoding: base64",
          "",
          Buffer.from(`<p>before</p>${hostile}`).toString("base64"),
          "--b",
          `Content-Type: text/html; name="=?utf-8?B?${word}?="`,
          `Content-Disposition: attachment; filename="=?utf-8?B?${word}?="`,
          "",
          hostile,
          "--b--",
          "",
        ].join("\r\n"),
      );
      assert.match(said, /made ticket (\d+)/, said);
      tickets.set(at, said.match(/ticket (\d+)/)[1]);
    }
    page = await signIn(browser, server, "admin");
    page.dialogs = [];
    page.on("dialog", (d) => {
      page.dialogs.push(d.message());
      d.dismiss();
    });
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
    sink?.close();
  });

  const quiet = (what) => {
    assert.deepEqual(page.dialogs, [], `${what} runs`);
    assert.deepEqual(hits, [], `${what} loads`);
    assert.deepEqual(page.complaints.filter((c) => /external request|pageerror/.test(c)), [], what);
  };

  for (const [at, { id, advisory, html }] of cases.entries()) {
    it(`${id} ${advisory} ${html.slice(0, 40)}`, async () => {
      await page.goto(`${server.url}/agent/tickets/${tickets.get(at)}`);
      await page.locator("details.as-sent > summary").click();
      const frame = await (await page.waitForSelector("iframe.mail")).contentFrame();
      await frame.waitForSelector("p");
      const found = await frame.evaluate(() => {
        const bad = document.querySelectorAll("body script, body style, iframe, object, embed, form, input, base, body meta, body link, svg, math, video, audio, template");
        const handlers = [...document.querySelectorAll("body *")].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name) || /^\s*(javascript|vbscript|data:text)/i.test(a.value)));
        return [...bad, ...handlers].map((e) => e.outerHTML);
      });
      assert.deepEqual(found, []);
      for (const a of await frame.locator("a").all()) assert.match((await a.getAttribute("rel")) ?? "", /noopener/);
      // What is over everything stays inside its frame.
      const box = await (await page.$("iframe.mail")).boundingBox();
      assert.ok(box.height < 600, "the frame keeps its size");
      await page.waitForTimeout(100);
      quiet(id);
    });
  }

  it("lists, the log and the parts of a mail show it as text", async () => {
    const log = await page.goto(`${server.url}/admin/mail`);
    assert.equal(log.status(), 200);
    for (const path of ["/agent", "/agent/queue?queue=it", "/admin/mail/1", "/admin/mail/9", "/admin/outbox", "/admin"]) {
      await page.goto(server.url + path);
      await page.evaluate(() => document.querySelectorAll("main details").forEach((d) => (d.open = true)));
      assert.equal(await page.locator("main script, main style, main form[action='/sign-out'], main img").count(), 0, path);
      quiet(path);
    }
    // A file of the mail is a download, whatever it says that it is (A10, A11).
    await page.goto(`${server.url}/agent/tickets/${tickets.get(0)}`);
    const file = await page.locator(".files a").first().getAttribute("href");
    const answer = await page.request.get(server.url + file);
    assert.match(answer.headers()["content-disposition"], /^attachment/);
    assert.equal(answer.headers()["content-type"], "application/octet-stream");
  });

  it("the frame's document can be in no other page, and runs nothing by itself", async () => {
    const answer = await page.request.get(`${server.url}/agent/tickets/${tickets.get(0)}/articles/1/html`);
    const policy = answer.headers()["content-security-policy"];
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /sandbox allow-popups allow-popups-to-escape-sandbox$/);
    assert.match(policy, /frame-ancestors 'self'/);
  });
});
