// The colours: as the system has them, light, or dark.

const NAMES = { system: "as the system", light: "light", dark: "dark" };
const SIGNS = { system: "◐", light: "○", dark: "●" };
const NEXT = { system: "light", light: "dark", dark: "system" };

/** Let the button go round the three; `changed` is called for what is drawn in pixels. */
export function wireTheme(button, changed) {
  show(button, chosen());
  button.addEventListener("click", () => {
    const next = NEXT[chosen()];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    keep(next);
    show(button, next);
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

const chosen = () => document.documentElement.dataset.theme ?? "system";

function show(button, name) {
  button.textContent = SIGNS[name];
  button.setAttribute("aria-label", `Colours: ${NAMES[name]}`);
  button.title = `Colours: ${NAMES[name]}`;
}

function keep(name) {
  try {
    localStorage.setItem("earmark.theme", name);
  } catch {
    // storage is forbidden here: the choice holds until the page is left
  }
}
