// Makes forms and links nicer; without it everything works the same. The server answers whole pages: this
// fetches one, and puts its <main> and header in the place of ours. On any error the plain way is taken.

let running = null;

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
      document.title = page.title;
      document.documentElement.lang = page.documentElement.lang;
      document.querySelector("main").replaceWith(main);
      if (header && ours) ours.replaceWith(header);
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

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-enhance]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (!(await load(link.href, {}, true))) location.assign(link.href);
});

addEventListener("popstate", async () => {
  if (!(await load(location.href, {}, false))) location.reload();
});
