// Makes forms and links nicer; without it everything works the same. The server answers whole pages: this
// fetches one, and puts its <main> and header in the place of ours. On any error the plain way is taken.

let running = null;
document.documentElement.classList.add("script");

async function load(url, options, push) {
  running?.abort();
  running = new AbortController();
  document.documentElement.classList.add("busy");
  try {
    const response = await fetch(url, { ...options, signal: running.signal, headers: { Accept: "text/html" } });
    const type = response.headers.get("content-type") ?? "";
    if (!type.startsWith("text/html")) throw new Error("not a page");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const main = page.querySelector("main");
    if (!main) throw new Error("no content");
    const ours = document.querySelector("header.top");
    const header = page.querySelector("header.top");
    // A page in another frame (an ended session, a file too large) answers a form: it is told, the form stays.
    if (Boolean(header) !== Boolean(ours)) {
      if (options.method !== "POST") throw new Error("another frame");
      return tell(main);
    }
    const swap = () => {
      // What was refused is still there, and is not to be swept away.
      if (options.method === "POST" && !response.redirected) for (const form of main.querySelectorAll("form")) form.setAttribute("data-typed", "");
      document.title = page.title;
      document.documentElement.lang = page.documentElement.lang;
      document.querySelector("main").replaceWith(main);
      if (header && ours) ours.replaceWith(header);
      document.dispatchEvent(new Event("swapped"));
    };
    if (push && (options.method !== "POST" || response.redirected) && response.url !== location.href) history.pushState({}, "", response.url);
    swap();
    const summary = document.querySelector("[data-focus]") ?? document.querySelector("main");
    summary.setAttribute("tabindex", "-1");
    summary.focus({ preventScroll: true });
    const hash = new URL(response.url).hash;
    if (summary.matches("[data-focus]")) summary.scrollIntoView({ block: "start" });
    else if (push && !hash) scrollTo(0, 0);
    return true;
  } catch (error) {
    if (error.name === "AbortError") return true;
    // Sent or not, nobody knows: a second sending could do it twice.
    if (options.method === "POST") {
      const p = document.createElement("p");
      p.textContent = document.documentElement.lang === "de" ? "Keine Antwort vom Server. Ihre Eingaben sind noch da." : "The server does not answer. Your input is still here.";
      return tell(p);
    }
    return false;
  } finally {
    document.documentElement.classList.remove("busy");
  }
}

// Puts a message above what is there, and takes the focus to it.
function tell(content) {
  const notice = document.createElement("div");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  notice.tabIndex = -1;
  // The form itself is still on the page: a second one in the message would only confuse.
  for (const form of content.querySelectorAll?.("form, pre") ?? []) form.remove();
  notice.append(...(content.matches("main") ? content.childNodes : [content]));
  document.querySelector("main").prepend(notice);
  notice.focus();
  return true;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const button = event.submitter;
  const question = button?.dataset.confirm;
  if (question && !confirm(question)) {
    event.preventDefault();
    return;
  }
  if (!form.hasAttribute("data-enhance") || form.dataset.sent) return;
  event.preventDefault();
  const data = new FormData(form, button);
  const get = form.method === "get";
  const url = new URL(form.action);
  let options = { method: "POST", body: data };
  if (get) {
    url.search = new URLSearchParams(data).toString();
    options = {};
  } else if (form.enctype !== "multipart/form-data") {
    options.body = new URLSearchParams(data);
  }
  form.dataset.sent = "yes";
  const good = await load(url, options, true);
  delete form.dataset.sent;
  if (!good) {
    form.removeAttribute("data-enhance");
    form.requestSubmit(button ?? undefined);
  }
});

// A form that decides on what stands in it is drawn anew by the server, in its own place; the rest of the page stays.
let pressed = false;
addEventListener("pointerdown", () => (pressed = true), true);
addEventListener("pointerup", () => (pressed = false), true);
document.addEventListener("change", async (event) => {
  const form = event.target.form;
  if (!form?.dataset.redraw || event.target.type === "file" || event.target.name === "article") return;
  const body = () => {
    const data = new FormData(form);
    for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
    data.append("redraw", "1");
    return new URLSearchParams(data).toString();
  };
  const sent = body();
  const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(sent), headers: { Accept: "text/html" } }).catch(() => null);
  // Whoever has gone on typing is asked again with the next change.
  if (!response?.ok || !form.isConnected || body() !== sent) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.querySelector(`form[data-redraw="${CSS.escape(form.dataset.redraw)}"]`);
  // A click on the form's own button comes first.
  if (pressed) await new Promise((done) => addEventListener("pointerup", () => setTimeout(done), { once: true }));
  if (!fresh || !form.isConnected || form.dataset.sent || body() !== sent) return;
  const focused = form.contains(document.activeElement) ? document.activeElement.id : "";
  for (const old of form.querySelectorAll("input[type=file]")) fresh.querySelector(`#${CSS.escape(old.id)}`)?.replaceWith(old);
  fresh.toggleAttribute("data-typed", form.hasAttribute("data-typed"));
  form.replaceWith(fresh);
  if (focused) fresh.querySelector(`#${CSS.escape(focused)}`)?.focus();
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-enhance]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (!(await load(link.href, {}, true))) location.assign(link.href);
});

addEventListener("popstate", async () => {
  if (!(await load(location.href, {}, false))) location.reload();
});
