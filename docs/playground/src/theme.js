// Light, dark, or as the system has it.

const THEMES = ["", "light", "dark"];
const SIGNS = { "": "◐", light: "☀", dark: "☾" };
const NAMES = { "": "as the system", light: "light", dark: "dark" };

export function themeButton(button) {
  const put = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = SIGNS[theme];
    button.setAttribute("aria-label", `Colours: ${NAMES[theme]}`);
    button.title = `Colours: ${NAMES[theme]}`;
    kept("theme", theme);
  };
  const last = kept("theme");
  put(THEMES.includes(last) ? last : "");
  button.addEventListener("click", () => {
    put(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]);
  });
}

/** What the browser keeps under `key`, once `value` is put there; some browsers keep nothing. */
function kept(key, value) {
  try {
    if (value !== undefined) localStorage.setItem(key, value);
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
