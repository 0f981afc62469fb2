// The catalogue: families of networks, searched by name.
import { by, debounced, element } from "./dom.js";

/** Connect the dialog. `names` gives the families, `open` takes the name of a network. */
export function catalogueDialog({ names, open }) {
  const dialog = by("catalogue");
  const fill = async () => list(await names(), by("search").value.trim().toLowerCase(), choose);
  const choose = (name) => {
    dialog.close();
    open(name);
  };
  by("open-catalogue").addEventListener("click", () => {
    dialog.showModal();
    fill();
    by("search").focus();
  });
  by("close-catalogue").addEventListener("click", () => dialog.close());
  by("search").addEventListener("input", debounced(fill, 100));
}

function list(families, words, choose) {
  const wanted = words.split(/\s+/).filter(Boolean);
  let count = 0;
  const found = families.flatMap(({ family, entries }) => {
    const kept = entries.filter(({ name, source }) => wanted.every((word) => `${name} ${family} ${source}`.toLowerCase().includes(word)));
    count += kept.length;
    return kept.length ? [element("h3", {}, family), element("ul", { class: "entries" }, ...kept.map((entry) => item(entry, choose)))] : [];
  });
  by("families").replaceChildren(...found);
  by("found").textContent = `${count} ${count === 1 ? "network" : "networks"}`;
}

function item({ name, source, params, macs }, choose) {
  const facts = element("small", {}, `${params} · ${macs} MACs`);
  const button = element("button", { type: "button", title: `as ${source} has it`, onclick: () => choose(name) }, element("span", {}, name), facts);
  return element("li", {}, button);
}
