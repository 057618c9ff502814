// How right the signals are, and whether they drift; what replays would change is beside it.

import { get, part } from "../api.js";
import { content, el, shown } from "../dom.js";
import { date, day, number, words } from "../format.js";
import { empty, fill } from "../notice.js";
import { facts, head, panel, table, tag } from "../part.js";
import { interval, overTime, reliability, roc } from "../plot.js";
import { replays } from "./replay.js";

const TABS = [["evaluations", "Evaluations"], ["drift", "Drift"], ["replays", "Replays"]];
const MOST_PLOTS = 24;
const LEAST = 8; // figures shown before the rest is asked for

export async function show({ parameters, signal }) {
  const now = TABS.some(([name]) => name === parameters.get("of")) ? parameters.get("of") : "evaluations";
  const place = el("div", { class: "stack" });
  fill(place, () => ({ evaluations, drift, replays })[now](parameters, signal), { signal });
  return [
    head("Quality", "How right each signal was where it was measured, whether it drifts, and what another model would change."),
    el("nav", { class: "tabs", "aria-label": "What is shown" }, TABS.map(([name, title]) => el("a", {
      href: `#/quality?of=${name}`, "aria-current": name === now ? "page" : null,
    }, title))),
    place,
  ];
}

async function evaluations(parameters, signal) {
  const { signals } = await get("quality", {}, signal);
  const measured = signals.filter((it) => it.evaluations.length);
  if (!signals.length) return empty("No signal has a card", "Cards are written by `earmark eval SIGNAL --write-card`.");
  const chosen = signals.find((it) => it.name === parameters.get("signal")) ?? measured[0] ?? signals[0];
  const links = el("nav", { class: "side", "aria-label": "Signals" }, signals.map((it) => el("a", {
    href: `#/quality?of=evaluations&signal=${part(it.name)}`, "aria-current": it === chosen ? "true" : null, data: { row: it.name },
  }, it.name, it.evaluations.some((evaluation) => evaluation.stale) && tag("stale", "warn"))));
  // on a narrow screen they are one long line
  requestAnimationFrame(() => links.querySelector("[aria-current]").scrollIntoView({ block: "nearest", inline: "center" }));
  return el("div", { class: "sided" },
    links,
    el("div", { class: "stack" }, about(chosen), chosen.evaluations.length
      ? chosen.evaluations.map((it) => evaluation(it, chosen.name))
      : empty("Not measured yet", `Nobody has run an evaluation of ${chosen.name}.`)));
}

function about({ name, card }) {
  return panel(name,
    card?.summary && el("p", {}, content(card.summary)),
    card && facts([["owner", card.owner], ["access", card.access], ["freshness", card.freshness_s ? `${card.freshness_s} s` : null], ["for", card.intended_use], ["cannot", card.limits], ["deprecated on", card.deprecated_on], ["replaced by", card.replaced_by]]));
}

const figureOf = (it) => (typeof it === "number" ? { value: it } : it);

function evaluation(it, name) {
  const figures = Object.entries(it.figures ?? {}).map(([key, value]) => [key, figureOf(value)]).filter(([, value]) => typeof value?.value === "number");
  const rows = figures.map(([key, figure]) => [
    words(key).replaceAll(".", " · "),
    number(figure.value),
    typeof figure.low === "number" ? `${number(figure.low)} to ${number(figure.high)}` : "–",
    typeof figure.chance === "number" ? number(figure.chance) : "–",
    interval(figure, key),
  ]);
  const columns = [["figure"], ["value", true], ["95 % interval", true], ["chance", true], ["from 0 to 1"]];
  return el("section", { class: "panel" },
    el("h2", { class: "row-of" }, content(it.data), it.stale && tag("stale: another model or thresholds now", "warn")),
    el("p", { class: "lead" }, [it.rows !== null && it.rows !== undefined && `${number(it.rows)} rows`, it.basis && words(it.basis)].filter(Boolean).join(" · ")),
    rows.length > 0 && table(`Figures of ${name} on ${it.data}`, columns, rows.slice(0, LEAST)),
    rows.length > LEAST && el("details", {}, el("summary", {}, `${rows.length - LEAST} more figures`), table(`More figures of ${name} on ${it.data}`, columns, rows.slice(LEAST))),
    curves(it),
    it.limits && el("p", { class: "lead" }, content(it.limits)));
}

/** Of each question what was said with a probability, and what a recall costs. */
function curves({ calibration, roc: measured }) {
  const drawn = [
    ...calibration.filter(({ bins }) => bins.length).map((it) => reliability(it.bins, shown(words(it.task)))),
    ...measured.map((it) => roc(it.points, shown(words(it.task)))),
  ];
  return drawn.length > 0 && el("div", { class: "plots" }, drawn.slice(0, MOST_PLOTS));
}

async function drift(parameters, signal) {
  const [{ signals }, found] = await Promise.all([get("signals", {}, signal), get("drift", { signal: parameters.get("signal") }, signal)]);
  const select = el("label", { class: "field short" }, el("span", {}, "signal"), el("select", {
    on: { change: (event) => (location.hash = `/quality?of=drift${event.target.value ? `&signal=${part(event.target.value)}` : ""}`) },
  }, el("option", { value: "" }, "all"), signals.map((it) => el("option", { value: it.name, selected: it.name === parameters.get("signal") }, it.name))));
  return [
    select,
    found.alerts?.length > 0 && panel("Alerts", el("ul", { class: "stack" }, found.alerts.map((it) => el("li", { class: "alert" },
      el("p", { class: "row-of" }, tag(`${it.measure} ${number(it.value)}`, "bad"), content(it.words ?? `${it.signal} ${it.field}`)),
      el("p", { class: "muted small" }, `${it.signal} · ${it.content_type} · ${it.language} · ${date(it.window_end ?? it.day_ms)}`))))),
    found.days?.length > 0 ? plots(found.days) : empty("No drift counted", "Windows come from `earmark up --with stats`, the first when its hour is over; a day needs another one before it to be compared with."),
  ];
}

/** One plot for each signal, field and slice; those that drifted first. */
function plots(days) {
  const groups = new Map();
  for (const it of days) {
    if (valueOf(it) === null) continue;
    const slice = Object.values(it.slice ?? {}).filter(Boolean).join(" · ");
    const name = [it.signal, it.field, slice].filter(Boolean).join(" · ");
    groups.set(name, [...(groups.get(name) ?? []), it]);
  }
  const sorted = [...groups].sort(([, one], [, other]) => worst(other) - worst(one));
  return panel("By day and slice",
    el("p", { class: "lead" }, "How far each day is from the days before it (population stability index); above the dashed line it counts as drift."),
    el("div", { class: "plots wide" }, sorted.slice(0, MOST_PLOTS).map(([name, group]) => overTime(group.map(point), words(name) || "psi", { limit: group[0].limit ?? 0.2 }))),
    sorted.length > MOST_PLOTS && el("p", { class: "muted small" }, `${sorted.length - MOST_PLOTS} more are steadier than these.`));
}

/** The index, or where there is none the largest distance between the curves. */
const valueOf = (it) => it.psi ?? it.ks ?? null;

const worst = (group) => Math.max(...group.map((it) => (it.drifted ? 10 : 0) + valueOf(it)));

function point(it) {
  const ms = it.day_ms ?? Date.parse(it.day);
  const [low, high] = it.interval ?? [];
  return { ms, value: valueOf(it), low, high, isBad: it.drifted, title: `${day(ms)}: psi ${number(it.psi)}, ks ${number(it.ks)}${it.words ? `; ${shown(it.words)}` : ""}` };
}
