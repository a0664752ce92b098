// Upgrades the page, which works without it: searches as one types, shows BM25's order at once and the model's when it has
// read, moves by keys, and opens documents in place. In: pages of this server and pieces of them. Out: the same, put where
// they belong.
//
// All markup is written by the server, which escapes what it has from elsewhere; nothing here makes markup from text. The
// policy of the page lets one place read markup, which is `parse`; a document so made runs no script.

const form = document.getElementById("search");
const input = document.getElementById("q");
const status = document.getElementById("status");
const progress = document.getElementById("read");
const main = document.getElementById("main");
const preview = document.getElementById("preview");
const help = document.getElementById("help");

const PAUSE = 120;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const GONE = "The server cannot be reached; the last answer is still shown.";

const markup = window.trustedTypes?.createPolicy("vizsla", { createHTML: (text) => text }) ?? { createHTML: (text) => text };

/** What the server has written, as a document of its own. */
function parse(text) {
  return new DOMParser().parseFromString(markup.createHTML(text), "text/html");
}

/** Asks the server; rejects with a sentence when it cannot be reached or refuses, with nothing when it was aborted. */
async function ask(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch {
    throw signal.aborted ? undefined : GONE;
  }
  if (response.ok) return response;
  const said = await response.text();
  if (response.headers.get("content-type")?.startsWith("text/html")) return new Response(said);
  try {
    throw JSON.parse(said).error;
  } catch (why) {
    throw typeof why === "string" ? why : `The server answered with status ${response.status}.`;
  }
}

async function load(url, signal) {
  return parse(await (await ask(url, signal)).text());
}

/** Reads server-sent events, each a name and a line of JSON. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split("\n\n");
    text = parts.pop();
    for (const part of parts) {
      const field = (name) => part.match(new RegExp(`^${name}: ?(.*)$`, "m"))?.[1];
      if (field("data")) yield [field("event"), JSON.parse(field("data"))];
    }
  }
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
  document.title = words ? `${words} · Vizsla` : "Vizsla";
  narrow(query, signal);
  try {
    if (words) {
      say("Searching…", "busy");
      await follow(await ask(`/stream?${query}`, signal), signal);
    } else {
      show((await load(url, signal)).getElementById("main"), true);
      say("");
    }
  } catch (why) {
    if (!signal.aborted) say(why || GONE, "error");
  }
  if (!signal.aborted) progress.hidden = true;
}

/** Shows an answer as it comes. */
async function follow(response, signal) {
  let ended = false;
  for await (const [name, data] of events(response)) {
    if (signal.aborted) return;
    ended ||= name === "done" || name === "error";
    if (name === "reranked") {
      progress.hidden = false;
      progress.max = data.total;
      progress.value = data.read;
      continue;
    }
    show(parse(data.main).body, name === "done");
    if (name === "retrieved" && data.hits) say(`${data.status} · the model is reading…`, "busy");
    else say(data.error ?? data.status, name === "error" ? "error" : "");
  }
  if (!ended) throw GONE;
}

/** Counts again what the search can be narrowed to. */
async function narrow(query, signal) {
  try {
    const fresh = (await load(`/filters?${query}`, signal)).querySelector(".filters");
    const old = form.querySelector(".filters");
    if (signal.aborted || !old || !fresh) return;
    fresh.open = old.open;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(document.adoptNode(fresh));
    const same = [...fresh.querySelectorAll("input")].find((box) => box.name === focused?.name && box.value === focused?.value);
    (focused?.localName === "summary" ? fresh.querySelector("summary") : same)?.focus();
  } catch {
    // The old counts stay; what is wrong is said about the search itself.
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

/** Puts an answer in place of the last one; what was open stays open, and the focus stays on its hit. */
function show(answer, moves) {
  const hits = () => [...main.querySelectorAll(".hit")];
  const put = () => {
    const open = new Set(hits().filter((hit) => hit.querySelector("details[open]")).map((hit) => hit.dataset.key));
    const focused = main.contains(document.activeElement) && document.activeElement.closest(".hit")?.dataset.key;
    const at = hits().findIndex((hit) => hit.dataset.key === focused);
    main.replaceChildren(...[...answer.childNodes].map((node) => document.adoptNode(node)));
    const fresh = hits();
    for (const hit of fresh) if (open.has(hit.dataset.key)) hit.querySelector("details").open = true;
    // Where the hit is gone, its place keeps the focus.
    const same = fresh.find((hit) => hit.dataset.key === focused) ?? (focused ? fresh[Math.min(at, fresh.length - 1)] : undefined);
    same?.querySelector(".title").focus({ preventScroll: true });
  };
  const before = hits();
  if (!moves || document.hidden || !document.startViewTransition || calm.matches || !before.length) return put();
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
    (content.querySelector("#found .answer") ?? content.querySelector("#found"))?.scrollIntoView({ block: "center" });
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
