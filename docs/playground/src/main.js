// The page: what is typed goes to Python, and what Python answers is shown.
import { catalogueDialog } from "./catalogue.js";
import { by, debounced, download, element } from "./dom.js";
import { editor } from "./editor.js";
import { MAX_TEXT, fragmentOf, wanted } from "./link.js";
import { entryAt, outline, pathText } from "./outline.js";
import { Python, Superseded } from "./python.js";
import * as show from "./show.js";
import { spaceBar } from "./space.js";
import { tabs } from "./tabs.js";
import { themeButton } from "./theme.js";

const SLOW = "Python has not been loaded within a minute. Wait longer if the connection is slow. Reload the page to try again.";
const first = fetched("first.json");
const catalogue = first.then(() => fetched("catalogue.json"));
const soon = debounced(look, 250);
const source = editor(by("editor"), {
  changed,
  moved: debounced(() => selected() === "chain" && views.chain(), 150),
});
const python = missing() ? null : new Python(state);
const views = { picture() {}, table() {}, difference, chain, code };
const selected = tabs((name) => views[name]());
let seen = null; // the last answer about a network without faults

start();

async function start() {
  themeButton(by("theme"));
  connect();
  const { look: answer, text } = await first;
  if (location.hash.length > 1 && python) await follow();
  else {
    source.write(text);
    shown(answer);
  }
  if (missing()) notice(missing());
  source.describe(await fetched("schema.json"));
  const families = await catalogue;
  const names = families.flatMap(({ entries }) => entries.map(({ name }) => name));
  by("names").append(...names.map((value) => element("option", { value })));
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("service.js").catch(() => {});
}

function connect() {
  addEventListener("hashchange", follow);
  for (const id of ["size", "base", "every-layer"]) by(id).addEventListener("change", changed);
  by("other").addEventListener("change", difference);
  by("dims").addEventListener("change", writeDims);
  by("fit").addEventListener("change", () => by("picture-frame").classList.toggle("fit", by("fit").checked));
  by("copy-link").addEventListener("click", copyLink);
  by("download-yaml").addEventListener("click", () => save("yaml", "application/yaml", source.text()));
  by("download-svg").addEventListener("click", () => take("picture", { size: sizes(by("size").value) }, ({ svg }) => save("svg", "image/svg+xml", svg)));
  by("download-code").addEventListener("click", () => take("code", {}, ({ code: text }) => save("py", "text/x-python", text)));
  addEventListener("click", (event) => event.target.closest("summary") || by("downloads").removeAttribute("open"));
  by("downloads").addEventListener("keydown", closeDownloads);
  catalogueDialog({ names: () => catalogue, open: openEntry });
  spaceBar({ ask, open: (text) => source.write(text), failed });
}

/** Why Python cannot run in this browser, or an empty text. */
function missing() {
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly, which runs resforge here: nothing can be typed and drawn. What follows is one example.";
  if (typeof DecompressionStream !== "function") return "This browser has no DecompressionStream, which reads and writes links here: take a newer version of it.";
  return "";
}

async function fetched(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: HTTP status ${response.status}`);
  return response.json();
}

function state(name, reason) {
  const loading = name === "starting" || name === "slow";
  if (!loading && by("notice").textContent === SLOW) notice("");
  by("state").textContent = loading ? "Loading Python" : "";
  by("state").toggleAttribute("data-busy", loading || name === "busy");
  if (name === "failed") notice(`Python could not be loaded (${reason}). Reload the page to try again.`);
  if (name === "slow") notice(SLOW);
}

function notice(text) {
  by("notice").textContent = text;
  by("notice").hidden = !text;
}

function failed(error) {
  if (!(error instanceof Superseded)) notice(reason(error));
}

/** Why something failed. The editor's parser calls itself once for each level of nesting. */
function reason(error) {
  return error instanceof RangeError ? "The specification is nested too deeply for this page." : error.message;
}

async function ask(name, given, key) {
  if (!python) throw new Superseded();
  return python.ask(name, given, key);
}

function changed() {
  notice("");
  by("state").removeAttribute("data-idle");
  soon();
}

/** Ask what the text means, and show it. */
async function look() {
  const text = source.text();
  try {
    if (await read(text)) by("state").toggleAttribute("data-idle", true);
  } catch (error) {
    failed(error);
    if (!(error instanceof Superseded)) by("state").toggleAttribute("data-idle", true);
  }
}

/** Whether what is shown is what `text` means: a later text may have come. */
async function read(text) {
  if (text.length > MAX_TEXT) {
    throw new Error(`The specification is longer than ${MAX_TEXT} characters: too long for this page. The command line has no such limit.`);
  }
  const given = { text, size: sizes(by("size").value), base: by("base").value.trim() || null };
  const answer = await ask("look", { ...given, all: by("every-layer").checked });
  if (source.text() !== text) return false;
  shown(answer);
  history.replaceState(null, "", await fragmentOf(text));
  if (!answer.faults.length && selected() !== "table") views[selected()]();
  return true;
}

function shown(answer) {
  source.faults(answer.faults);
  show.faults(answer, source.show);
  by("results").classList.toggle("stale", answer.faults.length > 0);
  if (answer.faults.length) return;
  seen = answer;
  document.title = `${answer.name || "network"} – resforge playground`;
  by("dims").value = answer.dims;
  by("size").placeholder = [answer.natural_size].flat().join("x");
  show.totals(answer);
  show.picture(answer);
  show.table(answer);
}

/** What is typed as a size: one number, or one for each side. */
function sizes(text) {
  const sides = text.split(/[x×, ]+/).filter(Boolean).map(Number);
  if (!sides.length) return null;
  return sides.length === 1 ? sides[0] : sides;
}

/** Set `dims` in the text; another number of sides needs another input size. */
function writeDims() {
  const text = source.text();
  const line = `dims: ${by("dims").value}`;
  by("size").value = "";
  const found = /^dims:.*$/m;
  if (found.test(text)) source.write(text.replace(found, line));
  else source.write(text.replace(/^resforge:.*$/m, (match) => `${match}\n${line}`));
}

async function difference() {
  const name = by("other").value.trim();
  if (name) await filled("difference", "difference", { text: source.text(), name }, (place, answer) => show.difference(place, answer, name));
}

async function chain() {
  const text = source.text();
  const entry = entryAt(outline(text).entries, source.position());
  if (entry) await filled("chain", "chain", { text, path: pathText(entry.path) }, show.chain);
}

async function code() {
  await filled("code", "code", { text: source.text() }, show.code);
}

/** Ask, and put the answer, or the reason why there is none, in the element `id`. */
async function filled(id, name, given, put) {
  try {
    put(by(id), await ask(name, given));
  } catch (error) {
    if (!(error instanceof Superseded)) by(id).replaceChildren(element("p", { class: "note" }, error.message));
  }
}

async function openEntry(name) {
  try {
    const entry = await ask("entry", { name });
    by("size").value = by("base").value = "";
    source.write(entry.text);
  } catch (error) {
    failed(error);
  }
}

/** Show what the address asks for. */
async function follow() {
  try {
    const found = await wanted(location.hash);
    if (found?.name) return await openEntry(found.name);
    if (found && found.text !== source.text()) source.write(found.text);
  } catch (error) {
    if (!source.text()) source.write((await first).text);
    notice(reason(error));
  }
}

async function copyLink() {
  const fragment = await fragmentOf(source.text());
  history.replaceState(null, "", fragment);
  const button = by("copy-link");
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Link is in the address bar";
  }
  setTimeout(() => (button.textContent = "Copy link"), 2000);
}

function save(suffix, type, text) {
  const name = (seen?.name || "network").replace(/[^\w.-]+/g, "_").slice(0, 80);
  download(suffix === "py" ? "model.py" : `${name}.${suffix}`, type, text);
}

/** Ask for what the command line would write, and hand it over. */
async function take(name, given, give) {
  try {
    give(await ask(name, { ...given, text: source.text() }, "download"));
  } catch (error) {
    failed(error);
  }
}

function closeDownloads(event) {
  if (event.key !== "Escape") return;
  by("downloads").removeAttribute("open");
  by("downloads").querySelector("summary").focus();
}
