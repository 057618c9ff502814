// What the policies make of an item, why, and where in it that stands.

import { content, el, shown } from "../dom.js";
import { date, percent, place, words } from "../format.js";
import { effectTag, facts, panel, tag } from "../part.js";

export function verdicts(all, clock) {
  if (!all.length) return panel("Verdict", el("p", { class: "muted" }, "No policy has judged this item."));
  const [now, ...before] = all;
  return panel("Verdict",
    el("div", { class: "stack" }, one(now, clock), before.length > 0 && el("details", {}, el("summary", {}, `${before.length} before it`), el("div", { class: "stack" }, before.map((it) => one(it, clock))))));
}

function one(verdict, clock) {
  const effects = verdict.effects ?? [];
  return el("div", { class: "stack" },
    el("p", { class: "row-of" },
      effects.length ? effects.map(effectTag) : tag("nothing holds", "accent"),
      effects.length > 0 && tag(`severity ${verdict.severity}`),
      verdict.automated === false && tag("a human decided", "accent"),
      verdict.complete === false && tag("before all signals were there", "warn")),
    (verdict.rulings ?? []).map((it) => ruling(it, clock)),
    verdict.retracted?.length > 0 && el("p", { class: "muted small" }, "No longer: ", verdict.retracted.map((it) => `${shown(it.policy)}/${shown(it.rule)} ${it.effect}`).join(", ")));
}

function ruling(it, clock) {
  return el("article", { class: "ruling" },
    el("h3", { class: "row-of" }, content(`${it.policy} / ${it.rule}`), effectTag(it.value ? `${it.effect}: ${it.value}` : it.effect)),
    it.reason && el("p", {}, content(it.reason)),
    it.conditions?.length > 0 && el("ul", { class: "conditions" }, it.conditions.map((condition) => el("li", {},
      el("code", {}, content([condition.signal, condition.field].filter(Boolean).join(" "))), ` ${condition.operator} ${shown(condition.expected)}, found `,
      el("strong", {}, content(condition.value || "nothing"))))),
    it.evidence?.length > 0 && el("ul", { class: "row-of", "aria-label": "Evidence" }, it.evidence.map((place_) => el("li", {}, evidence(place_, clock)))),
    (it.regions?.length > 0 || it.expires_at) && facts([["where", it.regions?.join(", ")], ["until", it.expires_at ? date(it.expires_at) : null]]));
}

/** A stretch of time is a button that seeks; a span of a text is said. */
function evidence(it, clock) {
  const score = typeof it.score === "number" ? ` ${percent(it.score)}` : "";
  const what = words(shown(it.label ?? it.signal));
  if (it.kind === "time_range" && clock) {
    const seconds = it.start / 1000;
    return el("button", { type: "button", class: "evidence", on: { click: () => clock.seek(seconds) } }, `${place(seconds, true)} to ${place(it.end / 1000, true)} · ${what}${score}`);
  }
  return tag(`${what}${score}${it.field ? ` in ${it.field}` : ""}`);
}

/** What humans were asked and have decided. */
export function reviews(all) {
  if (!all?.length) return null;
  return panel("Review", el("ul", { class: "stack" }, all.map((it) => el("li", { class: "stack tight" },
    it.decisions ? it.decisions.map(decision) : request(it)))));
}

function request(it) {
  return el("div", {}, el("p", { class: "row-of" }, tag(it.reason ?? "asked", "warn"), it.queue && tag(it.queue), it.day && el("span", { class: "muted small" }, it.day)),
    el("p", { class: "muted small" }, "Asked: ", content(it.asks ?? "what holds"), it.said?.length > 0 && [", said: ", content(it.said.join(", "))]));
}

function decision(it) {
  return el("div", {}, el("p", { class: "row-of" }, tag(it.kind ?? "decided", "accent"), content(it.decided_by ?? it.annotator ?? ""), el("span", { class: "muted small" }, date(it.decided_at))),
    it.note && el("p", { class: "muted small" }, content(it.note)));
}
