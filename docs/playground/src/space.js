// A design space: its networks are drawn by seed, one after another.
import { by, element } from "./dom.js";

/** Connect the bar. `open` takes the text of the network that is drawn. */
export function spaceBar({ ask, open, failed }) {
  const draw = async () => {
    try {
      const given = { space: by("space-name").value, seed: by("space-seed").valueAsNumber || 0, number: by("space-number").valueAsNumber || 0 };
      open((await ask("draw", given)).text);
    } catch (error) {
      failed(error);
    }
  };
  const step = (by_) => () => {
    const number = by("space-number");
    number.value = Math.max(0, (number.valueAsNumber || 0) + by_);
    draw();
  };
  by("space-previous").addEventListener("click", step(-1));
  by("space-next").addEventListener("click", step(1));
  by("space").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["space-name", "space-seed", "space-number"]) by(id).addEventListener("change", draw);
  by("open-space").addEventListener("click", async () => {
    const hidden = by("space").toggleAttribute("hidden");
    by("open-space").setAttribute("aria-expanded", !hidden);
    if (hidden || by("space-name").options.length) return;
    try {
      const spaces = await ask("spaces", {});
      by("space-name").append(...spaces.map((each) => element("option", { value: each.name, title: each.description }, each.name)));
      await draw();
    } catch (error) {
      failed(error);
    }
  });
}
