// The views: one tab is selected, and arrow keys move between them.
import { by } from "./dom.js";

/** Connect the tabs; `opened` hears of the one selected. Returns a function that names it. */
export function tabs(opened) {
  const all = [...document.querySelectorAll("[role=tab]")];
  const nameOf = (tab) => tab.id.replace("tab-", "");
  const select = (tab) => {
    for (const each of all) {
      each.setAttribute("aria-selected", each === tab);
      each.tabIndex = each === tab ? 0 : -1;
      by(`panel-${nameOf(each)}`).hidden = each !== tab;
    }
    opened(nameOf(tab));
  };
  const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
  all.forEach((tab, index) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", ({ key }) => {
      if (!(key in steps)) return;
      const next = Math.abs(steps[key]) === 1 ? (index + steps[key] + all.length) % all.length : key === "Home" ? 0 : all.length - 1;
      all[next].focus();
      select(all[next]);
    });
  });
  return () => nameOf(all.find((tab) => tab.getAttribute("aria-selected") === "true"));
}
