// A fresh demo server for each test file, on a port and a database of its own.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const root = new URL("../../", import.meta.url).pathname;
const binary = process.env.VORGANG_BIN ?? join(root, "target/debug/vorgang");

export async function serve() {
  const folder = mkdtempSync(join(tmpdir(), "vorgang-browser-"));
  const child = spawn(binary, ["serve", "--demo", "--listen", "127.0.0.1:0"], {
    cwd: folder,
    env: { ...process.env, VORGANG_DATABASE: join(folder, "test.db"), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stderr.on("data", (d) => (errors += d));
  await new Promise((resolve, reject) => {
    child.stdout.on("data", (d) => {
      output += d;
      if (/tina .*\n/.test(output)) resolve();
    });
    child.on("error", reject);
    child.on("exit", () => reject(new Error(`the server ended: ${errors}`)));
  });
  const links = Object.fromEntries([...output.matchAll(/^ {2}(\w+)\s+(http\S+)/gm)].map((m) => [m[1], m[2]]));
  const url = new URL(links.customer).origin;
  return {
    url,
    links,
    // Hands a mail over, as a mail server does; what was said to it.
    mail: (raw) => {
      const done = spawnSync(binary, ["mail"], { cwd: folder, input: raw, env: { ...process.env, VORGANG_DATABASE: join(folder, "test.db") } });
      return String(done.stdout) + String(done.stderr);
    },
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners("exit");
        child.on("exit", () => {
          rmSync(folder, { recursive: true, force: true });
          resolve();
        });
        child.kill("SIGTERM");
      }),
  };
}

export function browser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

// Signs in by the one-time link, and collects what the page should not do.
export async function signIn(browser, server, login, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && !/status of 4\d\d/.test(m.text()) && page.complaints.push(m.text()));
  // A page that is there at once needs no transition: the browser drops it, and says so.
  page.on("pageerror", (e) => /Transition was aborted/.test(String(e)) || page.complaints.push(String(e)));
  page.on("request", (r) => !r.url().startsWith(server.url) && !r.url().startsWith("data:") && page.complaints.push(`external request ${r.url()}`));
  const saved = server.sessions?.[login];
  if (saved) await context.addCookies(saved);
  else {
    await page.goto(server.links[login]);
    await page.getByRole("button").click();
    server.sessions = { ...server.sessions, [login]: await context.cookies() };
  }
  await page.goto(server.url);
  return page;
}
