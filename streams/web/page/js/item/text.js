// The texts of an item, with what was found in them, and what is personal masked until asked for.

import { el, shown } from "../dom.js";
import { percent, words } from "../format.js";
import { panel, tag } from "../part.js";

/** `reveal` is called to show or to mask again; null where nothing is hidden from who reads. */
export function texts(all, { isOpen, reveal }) {
  if (!all.length) return null;
  const hides = all.some((it) => it.masked);
  return panel("Texts",
    reveal && (hides || isOpen) && el("p", { class: "row-of reveal" },
      el("button", { type: "button", id: "reveal", "aria-pressed": String(isOpen), on: { click: reveal } }, isOpen ? "Mask personal data" : "Show personal data"),
      el("span", { class: "muted small" }, isOpen ? "Shown. That you looked is in the log." : "Personal data is masked. Looking is logged.")),
    el("div", { class: "texts" }, all.map(one)));
}

function one(text) {
  const found = text.spans.filter((it) => it.end > it.start);
  return el("article", { class: "text" },
    el("h3", { class: "row-of" }, words(shown(text.field)), text.language && tag(text.language), text.masked && tag("masked", "warn")),
    el("p", { class: "text-body", dir: "auto", lang: /^[A-Za-z0-9-]{2,20}$/.test(text.language ?? "") ? text.language : null }, pieces(text.text, found)),
    found.length > 0 && el("ul", { class: "row-of found", "aria-label": "Found in it" }, kinds(found).map(([label, source, score]) =>
      el("li", {}, tag(label, source === "text.pii" ? "warn" : "bad", score)))));
}

/** Each kind once, with the highest score. */
function kinds(spans) {
  const best = new Map();
  for (const { kind, label, source, score } of spans) {
    const name = label ?? kind;
    const before = best.get(name);
    if (!before || (score ?? 0) > (before[2] ?? 0)) best.set(name, [name, source, score ?? null]);
  }
  return [...best.values()];
}

/** The text cut at every begin and end; spans count code points, and may overlap. */
function pieces(text, spans) {
  const letters = Array.from(text ?? "");
  const cuts = [...new Set([0, letters.length, ...spans.flatMap((it) => [it.start, it.end])])]
    .filter((it) => it >= 0 && it <= letters.length).sort((one, other) => one - other);
  return cuts.slice(0, -1).map((from, place) => {
    const to = cuts[place + 1];
    const piece = shown(letters.slice(from, to).join(""));
    const over = spans.filter((it) => it.start <= from && it.end >= to);
    if (!over.length) return piece;
    const isPersonal = over.some((it) => it.source === "text.pii");
    const said = over.map((it) => `${words(it.label ?? it.kind)}${typeof it.score === "number" ? ` ${percent(it.score)}` : ""} (${it.source})`).join(", ");
    return el("mark", { class: isPersonal ? "personal" : "unsafe", title: said }, piece);
  });
}
