// Parts that more than one page shows: tags, bars, facts, tables, rows of items.

import { part } from "./api.js";
import { CONTENT_TYPES, OUTCOMES as OUTCOME_NAMES } from "./constant.js";
import { content, el, shown } from "./dom.js";
import { date, number, percent, place, plural, words } from "./format.js";

const OUTCOMES = { OK: "accent", ERROR: "bad", ABSTAINED: "warn" };
const MOST_BARS = 12;

/** The heading of a page. */
export function head(title, lead = null, ...more) {
  return el("header", { class: "head" }, el("h1", {}, title), more, lead && el("p", {}, lead));
}

export function panel(title, ...children) {
  return el("section", { class: "panel" }, title && el("h2", {}, title), children);
}

export function tag(text, kind = "", score = null) {
  return el(
    "span",
    { class: `tag ${kind}` },
    content(text),
    score !== null && el("span", { class: "score" }, percent(score)),
  );
}

export const outcomeTag = (outcome) => tag(outcome, OUTCOMES[outcome] ?? "");

export const effectTag = (effect) => tag(effect, effect === "allow" || effect === "label" ? "warn" : "bad");

/** Probabilities as bars, the highest first; those in `over` are over their threshold. */
export function bars(scores, over = new Set()) {
  const sorted = [...scores].sort((one, other) => other.score - one.score);
  const shownBars = sorted.slice(0, MOST_BARS).filter((it, rank) => rank < 5 || it.score >= 0.02 || over.has(it.label));
  return el("dl", { class: "bars" }, shownBars.map(({ label, score }) => [
    el("dt", {}, content(label)),
    el(
      "dd",
      {},
      el("span", { class: "bar", "aria-hidden": "true" }, el("i", {
        class: over.has(label) ? "over" : "",
        style: { width: `${Math.max(0, Math.min(1, score)) * 100}%` },
      })),
      el("span", { class: "value" }, percent(score)),
    ),
  ]));
}

/** Names and values; what is null is left out. `mono` are names of values that are ids; `named` is how names are read. */
export function facts(pairs, mono = new Set(), named = words) {
  return el("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(
    ([name, value]) => [
      el("dt", {}, named(shown(name))),
      el("dd", {}, value instanceof Node ? value : el("bdi", { class: mono.has(name) ? "mono" : null }, shown(number(value)))),
    ],
  ));
}

/** A table; a column is [heading, is it a number]. */
export function table(caption, columns, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, el(
    "table",
    {},
    el("caption", { class: "hidden" }, caption),
    el("thead", {}, el("tr", {}, columns.map(([name, isNumber]) => el("th", { scope: "col", class: isNumber ? "number" : null }, name)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map(
      (cell, column) => el("td", { class: columns[column][1] ? "number" : null }, cell instanceof Node || Array.isArray(cell) ? cell : shown(cell ?? "–")),
    )))),
  ));
}

export const itemAddress = (id) => `#/items/${part(id)}`;

/** One item of a list, a link to its page. */
export function itemRow(item) {
  return el("li", {}, el(
    "a",
    { href: itemAddress(item.content_id), data: { row: item.content_id } },
    el("span", { class: "spread" },
      content(item.title || item.content_id, { class: "row-title" }),
      el("span", { class: "row-of" },
        typeof item.similarity === "number" && tag(`alike ${number(item.similarity)}`, "accent"),
        (item.effects ?? []).map(effectTag),
        item.complete === false && tag("incomplete", "warn"))),
    item.snippet && el("span", { class: "snippet", dir: "auto" }, item.snippet.map(({ text, hit }) => (hit ? el("mark", {}, shown(text)) : shown(text)))),
    el(
      "span",
      { class: "meta" },
      el("span", {}, item.content_type),
      item.language && el("span", {}, item.language),
      typeof item.duration_s === "number" && el("span", {}, place(item.duration_s)),
      el("span", {}, plural(item.signals, "signal")),
      el("span", {}, date(item.event_ms)),
      item.title && content(item.content_id, { class: "mono" }),
      item.matched_s?.length > 0 && el("span", {}, `match ${item.matched_s.map((it) => place(it)).join(" to ")}`),
    ),
  ));
}

/** A choice among values, the first of which is all. */
export function choice(name, label, values, chosen, all = "all") {
  return el("label", { class: "field" }, el("span", {}, label), el(
    "select",
    { name },
    el("option", { value: "" }, all),
    [...new Set([...values, ...(chosen ? [chosen] : [])])].map((value) => el("option", { value, selected: value === chosen }, value)),
  ));
}

function textField(name, label, value, placeholder = "") {
  return el("label", { class: "field" }, el("span", {}, label), el("input", {
    type: "text", name, value: value ?? "", placeholder, autocomplete: "off", spellcheck: "false", maxlength: "200",
  }));
}

/** A least probability, with what it stands at beside its name. */
function leastField(name, value) {
  const said = el("output", {}, value ? ` ${percent(Number(value))}` : " any");
  const input = el("input", { type: "range", name, min: "0", max: "1", step: "0.05", value: value || "0", on: {
    input: () => (said.textContent = Number(input.value) ? ` ${percent(Number(input.value))}` : " any"),
  } });
  return el("label", { class: "field" }, el("span", {}, "at least", said), input);
}

/** The filters that items and signals are asked for by; `go` is told of a change. */
export function filters(parameters, signals, go, { label = "" } = {}) {
  const form = el("form", { class: "filters", "aria-label": "Filters" },
    choice("signal", "signal", signals, parameters.get("signal")),
    choice("outcome", "outcome", OUTCOME_NAMES, parameters.get("outcome")),
    textField("label", "label", parameters.get("label"), label),
    leastField("min_score", parameters.get("min_score")),
    choice("content_type", "kind of content", CONTENT_TYPES, parameters.get("content_type")),
    textField("language", "language", parameters.get("language"), "en"),
    // without a button, Enter in one of several fields would send nothing
    el("button", { class: "hidden", tabindex: "-1" }, "Apply"));
  const asked = (event) => {
    event.preventDefault();
    go(chosen(form));
  };
  form.addEventListener("submit", asked);
  form.addEventListener("change", asked);
  return form;
}

/** What a form of filters says, without what says nothing. */
function chosen(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value && !(name === "min_score" && Number(value) === 0)) query.set(name, value);
  }
  return query;
}

/** Ask before something that cannot be taken back; resolves to whether to do it. */
export function confirmed(title, text, does) {
  return new Promise((resolve) => {
    const dialog = el(
      "dialog",
      { "aria-label": title, on: { close: () => (resolve(dialog.returnValue === "yes"), dialog.remove()) } },
      el("h2", {}, title),
      el("p", {}, text),
      el("form", { method: "dialog", class: "answers" },
        el("button", { value: "no" }, "Cancel"),
        el("button", { value: "yes", class: "main" }, does)),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
