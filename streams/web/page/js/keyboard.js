// Keys of all pages, and those that a page adds while it is shown.

import { el, replace } from "./dom.js";

const KEYS = [
  ["/", "search"],
  ["j  k", "next and previous row"],
  ["Enter", "open the row"],
  ["space", "play and pause; on the stream, pause"],
  ["←  →", "seek five seconds"],
  ["n", "on the stream, one step"],
  ["?", "these keys"],
  ["Esc", "close, or leave a field"],
];
const TYPED = "input, textarea, select, [contenteditable]";
const PRESSED = "button, a, summary, [role=slider], [role=tab]";

let added = {};
let on = true;

/** Keys of the page that is shown now, name to function; a function that returns false passes. */
export function pageKeys(keys) {
  added = keys;
}

export function wireKeyboard() {
  const dialog = document.getElementById("keys");
  document.getElementById("keys-open").addEventListener("click", () => open(dialog));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.addEventListener("keydown", (event) => pressed(event, dialog));
}

function pressed(event, dialog) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return leave(event);
  if (document.querySelector("dialog[open]") || event.target.matches?.(TYPED) || !on) return undefined;
  const act = { "/": search, j: () => move(1), k: () => move(-1), "?": () => open(dialog) }[event.key];
  const own = added[event.key];
  if (act) act();
  else if (!own || passes(event) || own() === false) return undefined;
  event.preventDefault();
  return undefined;
}

/** Space and arrows belong to a control that has the focus. */
function passes(event) {
  return (event.key === " " || event.key.startsWith("Arrow")) && event.target.closest?.(PRESSED) !== null
    && event.target.closest?.("[data-row]") === null;
}

function leave(event) {
  if (event.target.matches?.(TYPED)) event.target.blur();
  else if (!document.querySelector("dialog[open]")) added.Escape?.();
}

function search() {
  const field = document.getElementById("search");
  field.focus();
  field.select();
}

/** The focus goes to the next row that is shown, or to the first. */
function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  if (!rows.length) return;
  const now = rows.indexOf(document.activeElement.closest("[data-row]"));
  const next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(now + step, 0), rows.length - 1);
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
}

function open(dialog) {
  const box = el("input", { type: "checkbox", checked: on, on: { change: () => (on = box.checked) } });
  replace(
    dialog,
    el("h2", { id: "keys-title" }, "Keys"),
    el("dl", { class: "keys" }, KEYS.map(([key, does]) => [
      el("dt", {}, key.split("  ").map((it) => el("kbd", {}, it))),
      el("dd", {}, does),
    ])),
    el("p", {}, el("label", { class: "check" }, box, "Single keys are on")),
    el("form", { method: "dialog" }, el("button", { class: "main" }, "Close")),
  );
  dialog.showModal();
}
