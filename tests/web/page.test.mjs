// The page in a real browser: both stages, keyboard alone, without scripts, hostile texts, accessibility in every state.
// Runs the program named by VIZSLA; CHROMIUM may name the browser. With SHOTS, leaves pictures in that folder.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

const program = process.env.VIZSLA;
const shots = process.env.SHOTS;
const folder = mkdtempSync(join(tmpdir(), "vizsla-web-"));
const servers = [];
let browser;
let base;

function run(...args) {
  const ran = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  assert.equal(ran.status, 0, `${args.join(" ")}: ${ran.stderr}`);
}

/** Starts the program and waits for the line that says where it listens. */
async function serve(...args) {
  const child = spawn(program, ["serve", "--port", "0", ...args], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  servers.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    return line.replace("listening on ", "");
  }
  throw new Error("the server did not start");
}

before(async () => {
  const put = (path, text) => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const filler = "Nothing of note happens in this part of the text, which only makes it longer. ".repeat(12);
  put("docs/birds/heron.md", `# Herons\n\nThe grey heron waits in shallow water.\n\n${filler}\n\nA heron catches fish with its bill.\n\n${filler}\n`);
  put("docs/birds/duck.md", "# Ducks\n\nA duck dives for plants. Sometimes it catches a small fish.\n");
  put("docs/dogs/vizsla.txt", "A vizsla is a dog that points and retrieves. It does not catch fish.\n");
  put("docs/odd/<img src=x onerror=alert(1)>.md", "# &lt;script>alert(2)&lt;/script>\n\nA fish named [x](javascript:alert(3)) catches nobody. <b onmouseover=alert(4)>fish</b>\n");
  for (let n = 0; n < 12; n += 1) put(`docs/more/note-${n}.md`, `# Note ${n}\n\nOn day ${n} somebody catches a fish of kind ${n}.\n`);
  run("index", "docs", "--index", "index");
  base = await serve("--index", "index", "--depth", "12");
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});

after(async () => {
  await browser?.close();
  for (const child of servers) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** A page that notes what it should never do. */
async function open(path = "/", options = {}) {
  const context = await browser.newContext({ colorScheme: "light", ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.on("dialog", (dialog) => { page.wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("pageerror", (error) => page.wrong.push(`error: ${error}`));
  page.on("console", (line) => line.type() === "error" && page.wrong.push(`console: ${line.text()}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(options.base ?? base) && !url.startsWith("data:")) page.wrong.push(`asked ${url}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  await page.goto((options.base ?? base) + path);
  return page;
}

const settled = (page) => page.waitForFunction(() => /model read|documents? ·|Nothing/.test(document.getElementById("status").textContent)
  && !document.getElementById("status").classList.contains("busy"));

async function close(page) {
  assert.deepEqual(page.wrong, []);
  await page.context().close();
}

async function accessible(page, state) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  const said = violations.map((one) => `${state}: ${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  assert.deepEqual(said, []);
}

test("BM25's answer comes first and the model's order takes its place", async () => {
  const page = await open();
  await page.evaluate(() => {
    window.seen = [];
    const note = () => {
      const first = document.querySelector(".hit")?.dataset.key;
      const status = document.getElementById("status").textContent;
      window.seen.push([status, first]);
    };
    new MutationObserver(note).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  await page.keyboard.type("what catches fish");
  await settled(page);
  const seen = await page.evaluate(() => window.seen);
  assert.ok(seen.some(([status, first]) => status.includes("the model is reading") && first), JSON.stringify(seen));
  assert.match(await page.textContent("#status"), /model read \d+/);
  assert.equal(new URL(page.url()).searchParams.get("q"), "what catches fish");
  const ranks = await page.textContent(".ranks");
  assert.match(ranks, /BM25 #\d+model #\d+/);
  assert.match(await page.textContent(".likelihood"), /answer/);
  assert.ok(await page.locator(".snippet .answer mark").count() > 0);
  await close(page);
});

test("the keyboard is enough", async () => {
  const page = await open("/", { reducedMotion: "reduce" });
  await page.keyboard.type("what catches fish");
  await settled(page);
  await page.keyboard.press("ArrowDown");
  const focused = () => page.evaluate(() => document.activeElement.closest(".hit")?.dataset.key);
  const first = await focused();
  assert.ok(first);
  await page.keyboard.press("j");
  assert.notEqual(await focused(), first);
  await page.keyboard.press("k");
  assert.equal(await focused(), first);
  await page.keyboard.press("e");
  assert.equal(await page.locator(".hit details[open] meter").count() > 0, true);
  assert.match(await page.textContent(".hit details[open]"), /logit .*rank .*window.*BM25 .* ms/s);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#preview[open] .found .answer");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#preview[open]").count(), 0);
  assert.equal(await focused(), first);
  await page.keyboard.press("?");
  await page.waitForSelector("#help[open]");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "q");
  await close(page);
});

test("a document opens at the sentence, marked in its context", async () => {
  const page = await open("/?q=how+does+a+heron+get+its+food&path=**/heron.md");
  await page.click(".title");
  const answer = page.locator("#preview .found .answer");
  await answer.waitFor();
  assert.match(await answer.textContent(), /heron/);
  assert.ok(await page.locator("#preview mark").count() > 0);
  assert.ok(await answer.isVisible());
  await close(page);
});

test("counts follow the question, and filters narrow it", async () => {
  const page = await open("/?q=heron");
  const count = (value) => page.locator(`.chip:has(input[value="${value}"]) .count`);
  assert.equal(await count("md").textContent(), "1");
  await page.fill("#q", "fish");
  await page.waitForFunction(() => document.querySelector('.chip:has(input[value="md"]) .count')?.textContent === "15");
  assert.equal(await count("txt").textContent(), "1");
  await page.click(".filters summary");
  await page.check('input[value="txt"]');
  await page.waitForFunction(() => document.querySelectorAll(".hit").length === 1);
  assert.match(page.url(), /ext=txt/);
  assert.equal(await count("md").textContent(), "15");
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll(".hit").length > 1);
  await close(page);
});

test("it works without scripts", async () => {
  const page = await open("/", { javaScriptEnabled: false });
  await page.fill("#q", "what catches fish");
  await page.click(".ask button");
  assert.match(await page.textContent("#status"), /model read/);
  await page.click(".title >> nth=0");
  assert.equal(await page.locator(".found .answer").count(), 1);
  assert.deepEqual(page.wrong, []);
  await page.context().close();
});

test("hostile texts stay texts", async () => {
  const page = await open(`/?q=${encodeURIComponent('"><script>alert(0)</script> fish javascript:alert(5)')}`);
  await page.fill("#q", "<script>alert(9)</script> fish named");
  await settled(page);
  const hit = page.locator(".hit", { hasText: "<img src=x onerror=alert(1)>.md" });
  assert.match(await hit.locator(".title").textContent(), /<script>alert\(2\)<\/script>/);
  await hit.locator(".title").click();
  await page.waitForSelector("#preview[open] .found");
  assert.equal(await page.locator("main script, main img, [onmouseover], [onerror], a[href^='javascript']").count(), 0);
  await close(page);
});

test("files can be narrowed by when they changed", async () => {
  const page = await open("/?q=fish");
  await page.selectOption("[name=since]", "7d");
  await page.waitForURL(/since=7d/);
  await page.waitForSelector(".hit");
  await page.goto(`${base}/?q=fish&since=2001&until=2002`);
  assert.equal(await page.inputValue("[name=since]"), "2001");
  assert.match(await page.textContent("main"), /Nothing found/);
  await page.click("main .note a");
  await page.waitForSelector(".hit");
  assert.equal(await page.inputValue("[name=since]"), "");
  await close(page);
});

test("what goes wrong is said", async () => {
  const page = await open("/?q=hreon");
  assert.match(await page.textContent("main"), /Did you mean/);
  await page.click("main a");
  await page.waitForSelector(".hit");
  await page.goto(`${base}/?q=zzzzqqq`);
  assert.match(await page.textContent("main"), /Nothing found/);
  await page.goto(`${base}/?q=fish&limit=5`);
  servers.at(-1) === servers[0] || assert.fail("another server runs");
  const without = await serve("--index", "index", "--fusion", "bm25");
  await page.route("**/stream*", (route) => route.abort());
  await page.fill("#q", "fish duck");
  await page.waitForSelector("#status.error");
  assert.match(await page.textContent("#status"), /cannot be reached/);
  assert.ok(await page.locator(".hit").count() > 0);
  page.wrong = page.wrong.filter((line) => !line.includes("net::ERR_FAILED"));
  await close(page);
  const bare = await open("/?q=fish", { base: without });
  assert.equal(await bare.locator(".likelihood").count(), 0);
  await close(bare);
});

for (const colorScheme of ["light", "dark"]) {
  for (const [width, height] of [[320, 640], [768, 1024], [1440, 900]]) {
    test(`nothing is in the way at ${width} pixels, ${colorScheme}`, async () => {
      const page = await open("/", { colorScheme, viewport: { width, height }, reducedMotion: "reduce" });
      const state = async (name) => {
        await accessible(page, name);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${name}: ${over} pixels too wide`);
        if (shots) await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`) });
      };
      await state("start");
      await page.goto(`${base}/?q=what+catches+fish`);
      await state("answer");
      await page.locator(".why summary").first().click();
      await state("why");
      await page.locator(".title").first().click();
      await page.waitForSelector("#preview .found .answer");
      await state("document");
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await state("keys");
      await page.goto(`${base}/?q=hreon+-duckling`);
      await state("notes");
      await page.goto(`${base}/?q=zzzzqqq&ext=txt`);
      await state("none");
      await page.goto(`${base}/?q=fish&limit=many`).catch(() => {});
      page.wrong = page.wrong.filter((line) => !line.includes("status of 400"));
      await state("failed");
      await close(page);
    });
  }
}
