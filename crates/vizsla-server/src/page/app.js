// Upgrades the page, which works without it: searches as one types, shows BM25's order at once and the model's when it has
// read, moves by keys, and opens documents in place. In: pages of this server. Out: parts of them, put where they belong.
//
// Pages are parsed by the browser's own loader of documents (XMLHttpRequest), which runs no script and takes no text for
// markup that the server has not escaped; nothing here makes markup from text.

const form = document.getElementById("search");
const input = document.getElementById("q");
const status = document.getElementById("status");
const main = document.getElementById("main");
const preview = document.getElementById("preview");
const help = document.getElementById("help");

const PAUSE = 120;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Loads a page; rejects with a sentence when there is none, with nothing when it was aborted. */
function load(url, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.onload = () => {
      const page = request.response;
      if (page?.getElementById("main")) resolve(page);
      else reject(`The server answered with status ${request.status}.`);
    };
    request.onerror = () => reject("The server cannot be reached; the last answer is still shown.");
    request.onabort = () => reject();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send();
  });
}

function say(text, kind = "") {
  status.className = kind;
  if (status.textContent !== text) status.textContent = text;
}

// ---- Searching

let current = new AbortController();
let timer = 0;

/** The search that the form asks for, as the query of a URL. */
function asked() {
  const all = [...new FormData(form)].filter(([name, value]) => value !== "" || name === "q");
  return new URLSearchParams(all);
}

function soon() {
  clearTimeout(timer);
  timer = setTimeout(() => search("replaceState"), PAUSE);
}

async function search(write) {
  clearTimeout(timer);
  current.abort();
  const { signal } = (current = new AbortController());
  const query = asked();
  const words = query.get("q").trim();
  const url = words || query.size > 1 ? `/?${query}` : "/";
  if (write && url !== location.pathname + location.search) history[write](null, "", url);
  const chosen = form.querySelectorAll(".filters :checked").length;
  const count = document.getElementById("chosen");
  if (count) count.textContent = chosen ? ` · ${chosen} chosen` : "";
  if (words) say("Searching…", "busy");
  let settled = false;
  if (words && form.dataset.model && query.get("fusion") !== "bm25") {
    // The model's answer is asked for at the same time; whichever comes second does not undo it.
    const first = new URLSearchParams(query);
    first.set("fusion", "bm25");
    load(`/?${first}`, signal).then((page) => {
      if (settled) return;
      const found = page.querySelector(".hit");
      show(page, false);
      if (found) say(`${page.getElementById("status").textContent} · the model is reading…`, "busy");
    }, () => {});
  }
  try {
    const page = await load(url, signal);
    settled = true;
    show(page, true);
    document.title = page.title;
    say(page.getElementById("status").textContent);
  } catch (why) {
    settled = true;
    if (why && !signal.aborted) say(why, "error");
  }
}

const numbers = new Map();

/** Gives hits names by which the browser knows them again when they have moved. */
function name(hits, on) {
  for (const hit of hits) {
    const { key } = hit.dataset;
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    hit.style.viewTransitionName = on ? `hit-${numbers.get(key)}` : "";
  }
}

/** Puts the answer of a page in place of the last one; what was open stays open, and the focus stays on its hit. */
function show(page, moves) {
  const hits = () => [...main.querySelectorAll(".hit")];
  const put = () => {
    const open = new Set(hits().filter((hit) => hit.querySelector("details[open]")).map((hit) => hit.dataset.key));
    const focused = main.contains(document.activeElement) && document.activeElement.closest(".hit")?.dataset.key;
    main.replaceChildren(...[...page.getElementById("main").childNodes].map((node) => document.adoptNode(node)));
    for (const hit of hits()) {
      if (open.has(hit.dataset.key)) hit.querySelector("details").open = true;
      if (hit.dataset.key === focused) hit.querySelector(".title").focus({ preventScroll: true });
    }
  };
  const before = hits();
  if (!moves || !document.startViewTransition || calm.matches || !before.length) return put();
  name(before, true);
  const transition = document.startViewTransition(() => {
    put();
    name(hits(), true);
  });
  transition.ready.catch(() => {});
  transition.finished.finally(() => name(hits(), false));
}

if (form) {
  input.addEventListener("input", soon);
  // Answers take the place of what one can choose from before asking.
  input.addEventListener("input", () => form.querySelector(".filters:not(:has(:checked))")?.removeAttribute("open"), { once: true });
  form.addEventListener("change", (event) => {
    if (event.target !== input) search("pushState");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search("pushState");
  });
  addEventListener("popstate", () => {
    const query = new URLSearchParams(location.search);
    for (const field of form.elements) {
      if (field.type === "checkbox") field.checked = query.getAll(field.name).includes(field.value);
      else if (field.name && field.type !== "hidden") field.value = query.get(field.name) ?? "";
    }
    search();
  });
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "?";
  button.setAttribute("aria-label", "Keys");
  button.addEventListener("click", () => help.showModal());
  form.querySelector(".choices").append(button);
}

// ---- Documents

let reading = new AbortController();

async function read(url) {
  reading.abort();
  reading = new AbortController();
  try {
    const page = await load(url, reading.signal);
    const content = document.createElement("div");
    content.className = "content";
    content.tabIndex = 0;
    content.append(...page.getElementById("main").childNodes);
    preview.replaceChildren(tools(url, content.querySelector(".path")?.textContent), content);
    if (!preview.open) preview.showModal();
    content.focus();
    content.querySelector("#found")?.scrollIntoView({ block: "start" });
  } catch (why) {
    if (why) say(why, "error");
  }
}

function tools(url, path) {
  const bar = document.createElement("div");
  bar.className = "tools";
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", () => act(made));
    bar.append(made);
  };
  button("Close", () => preview.close());
  if (path && navigator.clipboard) {
    button("Copy path", async (made) => {
      await navigator.clipboard.writeText(path);
      made.textContent = "Copied";
    });
  }
  const link = document.createElement("a");
  link.href = url;
  link.textContent = "As a page";
  link.dataset.page = "";
  bar.append(link);
  return bar;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.title, a.more");
  const plain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!preview || !link || !plain) return;
  event.preventDefault();
  read(link.href);
});

// ---- Keys

const titles = () => [...main.querySelectorAll(".title")];

function step(by) {
  const all = titles();
  const at = all.indexOf(document.activeElement.closest?.(".hit")?.querySelector(".title"));
  const to = at + by;
  if (at >= 0 && to < 0) input.focus();
  else (all[to] ?? (at < 0 ? all[0] : undefined))?.focus();
  document.activeElement.closest(".hit")?.scrollIntoView({ block: "nearest" });
}

// Who steers by voice can turn off the keys that are letters.
const letters = document.getElementById("letters");
if (letters) {
  letters.checked = localStorage.getItem("letters") !== "off";
  letters.addEventListener("change", () => localStorage.setItem("letters", letters.checked ? "on" : "off"));
}

const keys = {
  "/": () => input.select(),
  "?": () => help.showModal(),
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Escape: () => input.select(),
  e: () => {
    const hit = document.activeElement.closest(".hit") ?? main.querySelector(".hit");
    const why = hit?.querySelector("details");
    if (why) why.open = !why.open;
  },
};

document.addEventListener("keydown", (event) => {
  if (!form || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const { target } = event;
  const typing = target.matches("input[type=search], select, textarea");
  // While a question is typed, only the arrow that leaves its line is ours.
  if (typing && !(event.key === "ArrowDown" && target === input)) return;
  if (event.key.length === 1 && !letters.checked) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
