// The signals of an item as cards: what each says, and one click away what made it and what it said before.

import { get, part } from "../api.js";
import { content, el, replace, shown } from "../dom.js";
import { ago, date, number, words } from "../format.js";
import { empty, failed, loading } from "../notice.js";
import { bars, facts, outcomeTag, table, tag } from "../part.js";
import { overTime } from "../plot.js";

const FEW = 6;
const MOST_JSON = 20_000;
const IDS = new Set(["input_digest", "model_sha256", "config_hash", "signal_id", "weights"]);
const SHOWN_ABOVE = /^(scores|topics|probabilities|kinds|by_input)\./;

/** `historyOf`: the id of the item, or null where none of it is kept. */
export function signalCards(signals, historyOf) {
  return el("div", { class: "cards" }, signals.map((it) => card(it, historyOf)));
}

function card(signal, historyOf) {
  const numbers = Object.entries(signal.numbers ?? {}).filter(([name]) => !SHOWN_ABOVE.test(name));
  return el("article", { class: "card", id: `signal-${signal.name}`, data: { signal: signal.name } },
    el("h3", { class: "spread" }, el("span", {}, signal.name), outcomeTag(signal.outcome)),
    signal.reason && el("p", { class: "muted small" }, content(signal.reason)),
    signal.labels?.length > 0 && el("div", { class: "row-of" }, signal.labels.slice(0, FEW).map((it) => tag(it.label, "accent", it.score ?? null))),
    numbers.length > 0 && facts(numbers.slice(0, FEW)),
    numbers.length > FEW && el("details", {}, el("summary", {}, `${numbers.length - FEW} more numbers`), facts(numbers.slice(FEW))),
    el("div", { class: "card-foot" },
      historyOf !== null && history(signal, historyOf),
      provenance(signal),
      answer(signal)));
}

function provenance(signal) {
  const made = signal.provenance ?? {};
  const pairs = Object.entries(made).map(([name, value]) => [name, value !== null && typeof value === "object" ? JSON.stringify(value) : value]);
  return el("details", {}, el("summary", {}, "Made by ", content([made.model_name ?? made.model, made.model_version ?? made.version].filter(Boolean).join(" ") || "unknown")),
    facts([...pairs, ["signal_id", signal.signal_id], ["topic", signal.topic], ["produced", date(signal.produced_ms)], ["event", date(signal.event_ms)]],
      new Set([...IDS, ...Object.keys(made).filter((name) => /hash|sha256|digest/.test(name))])));
}

function answer(signal) {
  if (!signal.answer) return null;
  const text = JSON.stringify(signal.answer, null, 2);
  return el("details", {}, el("summary", {}, "Whole answer"),
    el("pre", { class: "json", tabindex: "0", "aria-label": `The answer of ${signal.name}` }, shown(text.length > MOST_JSON ? `${text.slice(0, MOST_JSON)}\n… cut, ${text.length} characters` : text)));
}

/** Asked for when it is opened. */
function history(signal, id) {
  const place = el("div", { class: "history" });
  let isAsked = false;
  const load = async () => {
    replace(place, loading("History"));
    try {
      const { values } = await get(`items/${part(id)}/history`, { signal: signal.name });
      replace(place, values.length ? values_(values, signal.name) : empty("No history", "The index saw one value only as it is now."));
    } catch (error) {
      replace(place, failed(error, load));
    }
  };
  return el("details", { on: { toggle: (event) => {
    if (!event.target.open || isAsked) return;
    isAsked = true;
    load();
  } } }, el("summary", {}, "History"), place);
}

function values_(values, name) {
  const numbers = [...new Set(values.flatMap((it) => Object.keys(it.numbers ?? {})))];
  const plot = el("div");
  const draw = (field) => {
    const points = values.filter((it) => typeof it.numbers?.[field] === "number").map((it) => ({
      ms: it.produced_ms, value: it.numbers[field], isHollow: maker(it) !== maker(values[0]),
      title: `${date(it.produced_ms)}: ${number(it.numbers[field])}, ${maker(it)}`,
    }));
    replace(plot, points.length > 0 && overTime(points, `${words(field)}; hollow: another model`, { height: 120 }));
  };
  if (numbers.length) draw(numbers[0]);
  return [
    numbers.length > 1 && el("label", { class: "field" }, el("span", {}, "number"), el("select", { on: { change: (event) => draw(event.target.value) } }, numbers.map((it) => el("option", { value: it }, words(it))))),
    plot,
    table(`History of ${name}`, [["when"], ["outcome"], ["labels"], ["model"]], values.map((it) => [
      el("time", { title: date(it.produced_ms) }, ago(it.produced_ms)),
      it.outcome,
      (it.labels ?? []).map((label) => label.label ?? label).join(", "),
      el("span", { class: "mono", title: it.provenance?.config_hash ?? "" }, shown(maker(it))),
    ])),
  ];
}

const maker = ({ provenance: it }) => [it?.model_name ?? it?.model, it?.model_version ?? it?.version, it?.thresholds_version].filter(Boolean).join(" ");

/** The probabilities of the signals that have labels, as bars. */
export function probabilities(signals) {
  return signals.filter((it) => it.outcome === "OK").map((signal) => {
    const scores = scoresOf(signal);
    if (!scores.length) return null;
    return el("div", { class: "stack tight" }, el("h3", {}, signal.name), bars(scores, new Set((signal.labels ?? []).map((it) => it.label))));
  }).filter(Boolean);
}

function scoresOf(signal) {
  const { scores, topics, probabilities: said } = signal.answer ?? {};
  const map = scores ?? topics ?? said;
  if (map && Object.keys(map).length) return Object.entries(map).map(([label, score]) => ({ label, score })).filter((it) => typeof it.score === "number");
  return (signal.labels ?? []).filter((it) => typeof it.score === "number");
}
