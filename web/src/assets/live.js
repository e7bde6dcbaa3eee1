// What happens while somebody looks. One tab of the browser holds the stream and tells the others; what changed is
// fetched as the page that it is part of. Without this script, the next page shows the same.

const channel = new BroadcastChannel("vorgang");
const tab = crypto.getRandomValues(new Uint32Array(2)).join("-");
const open = new Map(); // tab → ticket, where this tab holds the stream
let source = null;
let asked = "";

const here = () => document.querySelector("[data-ticket]");
const german = () => document.documentElement.lang === "de";

async function page(url) {
  const response = await fetch(url, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response?.ok || !response.headers.get("content-type")?.startsWith("text/html")) return null;
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

function swap(from, selector) {
  const [fresh, old] = [from?.querySelector(selector), document.querySelector(selector)];
  if (fresh && old) old.replaceWith(fresh);
}

// A page on which somebody types is left alone, and says that there is more.
async function changed() {
  const typing = document.querySelector("main form[data-typed]") || document.querySelector("main dialog[open]");
  if (!typing) {
    const fresh = await page(location.href);
    if (!fresh?.querySelector("[data-ticket]") || document.querySelector("main form[data-typed]")) return;
    const summaries = [...document.querySelectorAll("main details[open] > summary")].map((s) => s.textContent);
    const main = fresh.querySelector("main");
    for (const s of main.querySelectorAll("details > summary")) if (summaries.includes(s.textContent)) s.parentElement.open = true;
    const focused = document.activeElement?.closest("main") ? document.activeElement.id : "";
    document.querySelector("main").replaceWith(main);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    document.dispatchEvent(new Event("swapped"));
    return;
  }
  if (document.querySelector(".meanwhile")) return;
  const note = document.createElement("p");
  note.className = "notice warn meanwhile";
  note.setAttribute("role", "status");
  note.textContent = german() ? "Das Ticket hat sich inzwischen geändert. " : "The ticket has changed meanwhile. ";
  const link = document.createElement("a");
  link.href = location.href;
  link.target = "_blank";
  link.textContent = german() ? "In neuem Tab ansehen" : "Look at it in a new tab";
  note.append(link);
  document.querySelector("main").prepend(note);
}

async function signal({ type, number, version }) {
  const ticket = here();
  const mine = ticket && ticket.dataset.ticket === number;
  if (type === "bell" || type === "resync") swap(await page("/notifications"), "a.bell");
  if ((type === "ticket" && mine && version > Number(ticket.dataset.version)) || (type === "resync" && ticket)) await changed();
  if (type === "presence" && mine) swap(await page(location.href), "#presence");
}

// Only the tab that holds the stream knows which tickets the browser has open.
function listen() {
  const tickets = [...new Set([...open.values()].filter(Boolean))].sort().join(",");
  if (source && source.readyState !== EventSource.CLOSED && tickets === asked) return;
  source?.close();
  asked = tickets;
  source = new EventSource(`/stream?tickets=${tickets}`);
  for (const type of ["bell", "ticket", "presence", "resync"]) {
    source.addEventListener(type, (event) => {
      const message = { type, ...JSON.parse(event.data) };
      channel.postMessage(message);
      signal(message);
    });
  }
}

let soon = null;
function later() {
  clearTimeout(soon);
  soon = setTimeout(listen, 200);
}

let holds = false;
function tell() {
  const ticket = here()?.dataset.ticket ?? "";
  if (holds) {
    open.set(tab, ticket);
    later();
  } else channel.postMessage({ type: "here", tab, ticket });
}

channel.addEventListener("message", ({ data }) => {
  if (data.type === "who") tell();
  else if (data.type === "here" && holds) {
    open.set(data.tab, data.ticket);
    later();
  } else if (data.type === "gone" && holds) {
    open.delete(data.tab);
    later();
  } else if (["bell", "ticket", "presence", "resync"].includes(data.type)) signal(data);
});

function hold() {
  holds = true;
  tell();
  channel.postMessage({ type: "who" });
  return new Promise(() => {});
}

if (document.querySelector("a.bell")) {
  // Where there are no locks (plain http), each tab has its own stream.
  if (navigator.locks) navigator.locks.request("vorgang-stream", hold);
  else hold();
  tell();
}

addEventListener("pagehide", () => {
  source?.close();
  channel.postMessage({ type: "gone", tab });
});
document.addEventListener("swapped", tell);
document.addEventListener("input", (event) => event.target.form?.setAttribute("data-typed", ""));
