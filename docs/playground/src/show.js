// Answers of the engine as elements of the page.
import { by, element } from "./dom.js";
import { painted } from "./paint.js";

export function faults({ faults: found, left_out: more }, go) {
  const verdict = by("verdict");
  const count = found.length + (more || 0);
  verdict.textContent = count ? `${count} ${count === 1 ? "fault" : "faults"}` : "No faults";
  verdict.className = count ? "bad" : "good";
  by("faults").replaceChildren(...found.map((fault) => element("li", {}, faultButton(fault, go))));
}

function faultButton(fault, go) {
  const where = `line ${fault.from_line}${fault.path ? `, ${fault.path}` : ""}`;
  return element(
    "button",
    { type: "button", onclick: () => go(fault) },
    element("span", { class: "where" }, where),
    element("span", {}, ` ${fault.message}`),
    fault.remedy ? element("span", { class: "remedy" }, fault.remedy) : null,
  );
}

export function totals({ totals: found, texts, digest, size }) {
  const sides = size.join("×");
  const counts = [
    ["Parameters", texts.params.short, texts.params.long],
    ["MACs", texts.macs.short, texts.macs.long],
    ["Activations", texts.activations.short, texts.activations.long],
    ["Layers", found.depth, "with weights"],
    ["Receptive field", found.receptive_field.replaceAll("x", "×"), `input ${sides}`],
  ];
  const shown = digest.slice(0, 12);
  const copy = element(
    "button",
    { type: "button", title: digest, "aria-label": `Copy the digest ${shown}`, onclick: () => navigator.clipboard?.writeText(digest) },
    shown,
  );
  by("totals").replaceChildren(
    ...counts.map(([name, text, small]) => total(name, String(text), small)),
    total("Digest", copy, "of the network"),
  );
}

function total(name, value, small) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value, element("small", {}, small)));
}

let shown = null;

export function picture({ svg, base, changes }) {
  const image = by("picture");
  const drawn = new DOMParser().parseFromString(svg, "image/svg+xml");
  if (shown) URL.revokeObjectURL(shown);
  // As an image, a picture can run no script and reach nothing of the page.
  shown = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  image.alt = ["title", "desc"].map((tag) => drawn.querySelector(tag)?.textContent ?? "").join(". ");
  image.width = Math.ceil(Number(drawn.documentElement.getAttribute("width")));
  image.src = shown;
  by("changes").textContent = !base ? "" : changes ? `Differs from ${base} in: ${changes}` : `The same network as ${base}`;
}

const NUMBER = /^[<\d][\d,.]*%?$/;

export function table({ header, rows }) {
  const numeric = header.map((_, column) => rows.every((row) => !row[column] || NUMBER.test(row[column])) && rows.some((row) => row[column]));
  const cell = (tag, text, column, more = {}) => element(tag, { ...more, class: numeric[column] ? "number" : null }, text);
  const head = element("tr", {}, ...header.map((text, column) => cell("th", text, column, { scope: "col" })));
  const body = rows.map((row) =>
    element("tr", {}, ...row.map((text, column) => (column ? cell("td", text, column) : cell("th", text, column, { scope: "row" })))),
  );
  by("table").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}

export function code(place, answer) {
  place.replaceChildren(...painted(answer.code, "python"));
}

export function difference(place, { same, rows, costs }, name) {
  if (same) return place.replaceChildren(element("p", {}, "The same network: both have one digest."));
  const line = ({ path, before, after }) =>
    element("tr", {}, element("th", { scope: "row" }, path), element("td", { class: "removed" }, before), element("td", { class: "added" }, after));
  const head = element("tr", {}, ...["key", name, "this network"].map((text) => element("th", { scope: "col" }, text)));
  place.replaceChildren(
    element("ul", { class: "costs" }, ...costs.map((text) => element("li", {}, text))),
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows.map(line))),
  );
}

export function chain(place, { words, whole }) {
  if (whole) {
    return place.replaceChildren(element("h3", {}, "The whole network, written out"), element("pre", {}, ...painted(whole, "yaml")));
  }
  const parts = words.flatMap(({ places, word, chain: found }) => [
    element("h3", {}, element("code", {}, word.trim())),
    element("p", { class: "places" }, `stands in ${places.join(", ")} for`),
    element("pre", {}, ...painted(found, "yaml")),
  ]);
  place.replaceChildren(...parts);
}
