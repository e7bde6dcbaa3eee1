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
    const swap = () => {
      document.title = page.title;
      document.documentElement.lang = page.documentElement.lang;
      document.querySelector("main").replaceWith(main);
      const header = page.querySelector("header.top");
      const ours = document.querySelector("header.top");
      if (header && ours) ours.replaceWith(header);
      else if (header || ours) throw new Error("another frame");
    };
    if (push && response.url !== location.href) history.pushState({}, "", response.url);
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
    return false;
  } finally {
    document.documentElement.classList.remove("busy");
  }
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
