// Opens each report.html of a folder in headless Chromium and looks whether it works: node test.mjs FOLDER
import { readdirSync, existsSync, readFileSync, mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = resolve(process.argv[2] ?? ".");
const pictures = resolve(process.env.SEGMENTA_SCREENSHOTS ?? join(folder, "screenshots"));
const WIDTHS = [390, 768, 1440];
const SLOW = 10_000; // A page is to load within 2 s; a busy machine gets more time before that is a failure.
let faults = 0;

function fault(report, text) {
  faults += 1;
  console.error(`FAILED ${report}: ${text}`);
}

// Everything that a page may be wrong about when nobody touches it.
function look() {
  const wrong = [];
  const charts = [...document.querySelectorAll("svg.chart")];
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const chart of charts) {
    const id = chart.getAttribute("aria-labelledby");
    const drawn = !/nothing to draw/i.test(chart.textContent);
    if (drawn && !chart.querySelector(".mark")) wrong.push(`${id} has drawn nothing`);
    if (/NaN|Infinity|undefined/.test(chart.outerHTML)) wrong.push(`${id} contains what is no number`);
    if (!chart.querySelector("title")?.textContent || !chart.querySelector("desc")?.textContent) wrong.push(`${id} has no title or desc`);
    // Each chart has a drawing for narrow screens as well, of which one or the other is shown.
    if (getComputedStyle(chart.closest(".drawing")).display === "none") continue;
    const box = chart.getBoundingClientRect();
    if (!(box.width > 0 && box.height > 0)) wrong.push(`${id} has no size`);
    for (const text of chart.querySelectorAll("text")) {
      const at = text.getBoundingClientRect();
      if (at.left < box.left - 2 || at.right > box.right + 2 || at.top < box.top - 2 || at.bottom > box.bottom + 2) {
        wrong.push(`${id}: the text ${JSON.stringify(text.textContent)} leaves its chart`);
      }
    }
  }
  if (charts.length === 0) wrong.push("there is no chart");
  const levels = [...document.querySelectorAll("h1,h2,h3,h4")].map((h) => Number(h.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) wrong.push("there is not exactly one h1");
  levels.forEach((level, i) => { if (i > 0 && level > levels[i - 1] + 1) wrong.push(`heading ${i} skips a level`); });
  return wrong;
}

async function open(browser, url, options, wrong) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong(`console: ${message.text()}`); });
  page.on("pageerror", (error) => wrong(`script: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) wrong(`asks for ${request.url()}`);
  });
  const start = Date.now();
  await page.goto(url, { waitUntil: "load" });
  await page.evaluate(() => document.querySelectorAll("svg.chart").forEach((chart) => chart.getBoundingClientRect()));
  return { context, page, took: Date.now() - start };
}

// Tooltips by mouse and by keyboard, highlighting, sorting.
async function touch(page, wrong) {
  const boxes = await page.$$(".drawing");
  for (const box of boxes) {
    if (!(await box.isVisible())) continue;
    const name = await box.getAttribute("aria-label");
    await box.scrollIntoViewIfNeeded();
    const tip = await box.evaluate((element) => element.querySelector("[data-tip]")?.dataset.tip);
    if (tip === undefined) continue;
    await box.focus();
    await page.keyboard.press("ArrowRight");
    const shown = await page.$eval("#tip", (element) => (element.hidden ? null : element.textContent));
    if (shown !== tip) wrong(`${name}: by keyboard the tooltip is ${JSON.stringify(shown)}, not ${JSON.stringify(tip)}`);
    await page.keyboard.press("Escape");
    if (await page.$eval("#tip", (element) => !element.hidden)) wrong(`${name}: Escape leaves the tooltip open`);
    const hovered = await box.evaluate((element) => {
      const frame = element.getBoundingClientRect();
      for (const mark of element.querySelectorAll("[data-tip]")) {
        const at = mark.getBoundingClientRect();
        let [x, y] = [at.left + at.width / 2, at.top + at.height / 2];
        if (mark.getTotalLength && getComputedStyle(mark).fill === "none") {
          // The middle of a bent line lies beside it.
          const middle = mark.getPointAtLength(mark.getTotalLength() / 2).matrixTransform(mark.getScreenCTM());
          [x, y] = [middle.x, middle.y];
        }
        const found = document.elementFromPoint(x, y)?.closest("[data-tip]");
        if (found && element.contains(found) && x < frame.right) return { x, y, tip: found.dataset.tip };
      }
      return null;
    });
    if (!hovered) { wrong(`${name}: no mark can be pointed at`); continue; }
    await page.mouse.move(hovered.x, hovered.y);
    const over = await page.$eval("#tip", (element) => (element.hidden ? null : element.textContent));
    if (over !== hovered.tip) wrong(`${name}: under the mouse the tooltip is ${JSON.stringify(over)}, not ${JSON.stringify(hovered.tip)}`);
  }
  const link = await page.$('nav a[data-key^="s"]');
  if (link) {
    await link.focus();
    const dimmed = await page.evaluate(() => [...document.querySelectorAll('.mark[data-s]:not([data-s="0"])')]
      .every((mark) => Number(getComputedStyle(mark).opacity) < 1));
    if (!dimmed) wrong("a segment that has the focus does not stand out");
  }
  const head = await page.$("thead th.number button");
  if (head) {
    await head.evaluate((button) => { for (let up = button; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true; });
    await head.focus();
    for (const wanted of ["descending", "ascending"]) {
      await page.keyboard.press("Enter");
      const [sort, values] = await head.evaluate((button) => {
        const th = button.closest("th");
        const rows = [...th.closest("table").tBodies[0].rows];
        return [th.getAttribute("aria-sort"), rows.map((row) => Number(row.cells[th.cellIndex].dataset.value)).filter(Number.isFinite)];
      });
      const sorted = [...values].sort((a, b) => (wanted === "ascending" ? a - b : b - a));
      if (sort !== wanted || JSON.stringify(values) !== JSON.stringify(sorted)) wrong(`a table is not sorted ${wanted}`);
    }
  }
}

async function test(browser, name, file) {
  const wrong = (text) => fault(name, text);
  const url = pathToFileURL(file).href;
  const size = statSync(file).size;
  if (size > 1_500_000) wrong(`has ${size} bytes, more than 1.5 MB`);
  const out = join(pictures, name);
  mkdirSync(out, { recursive: true });
  let took;
  for (const colorScheme of ["light", "dark"]) {
    const opened = await open(browser, url, { colorScheme, viewport: { width: 1440, height: 900 } }, wrong);
    const { context, page } = opened;
    took ??= opened.took;
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const [scroll, client] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      if (scroll > client) wrong(`scrolls sideways at ${width} px: ${scroll} > ${client}`);
      if (width !== 768) {
        const sections = await page.$$("main > section");
        for (const section of sections) {
          await section.screenshot({ path: join(out, `${await section.getAttribute("id")}-${colorScheme}-${width}.png`) });
        }
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    if (colorScheme === "light") await touch(page, wrong);
    for (const text of await page.evaluate(look)) wrong(text);
    await page.setViewportSize({ width: 390, height: 900 });
    for (const text of await page.evaluate(look)) wrong(`at 390 px, ${text}`);
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    for (const one of found.violations.filter((v) => ["serious", "critical"].includes(v.impact))) {
      wrong(`${colorScheme}: ${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
    }
    if (colorScheme === "light") {
      await page.emulateMedia({ media: "print" });
      if (await page.isVisible("nav")) wrong("the list of contents is printed");
      const pdf = await page.pdf();
      if (pdf.length < 10_000) wrong("prints nothing");
    }
    await context.close();
  }
  const { context, page } = await open(browser, url, { javaScriptEnabled: false, viewport: { width: 1440, height: 900 } }, wrong);
  if (!(await page.isVisible("main h2")) || !(await page.isVisible("svg.chart .mark"))) wrong("does not read without script");
  await context.close();
  if (took > SLOW) wrong(`takes ${took} ms to load`);
  console.log(`${name}: ${(size / 1000).toFixed(0)} kB, loaded in ${took} ms`);
}

const reports = readdirSync(folder).filter((name) => existsSync(join(folder, name, "report.html"))).sort();
if (reports.length === 0) throw new Error(`there is no report.html in a folder of ${folder}`);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  for (const name of reports) await test(browser, name, join(folder, name, "report.html"));
} finally {
  await browser.close();
}
if (faults > 0) {
  console.error(`${faults} faults`);
  process.exit(1);
}
