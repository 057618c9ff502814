// What could not be used: rejections and dead letters, by class and hour, and the newest of them.

import { get, part } from "../api.js";
import { content, el, shown } from "../dom.js";
import { ago, date, sentence, words } from "../format.js";
import { empty, failed } from "../notice.js";
import { head, itemAddress, panel, tag } from "../part.js";
import { hours } from "../plot.js";

const DAY_MS = 86_400_000;
const SPANS = [["1", "last day"], ["7", "last week"], ["30", "last 30 days"]];

export async function show({ parameters, signal }) {
  const isDead = parameters.get("of") === "dead-letters";
  const query = asked(parameters, isDead);
  const found = await get(isDead ? "dead-letters" : "rejections", query, signal);
  const counts = (found.counts ?? []).map((it) => ({ hour_ms: it.hour_ms, kind: it.rejection_class ?? it.topic, count: it.count }));
  return [
    head("Rejections", isDead ? "Dead letters: the original bytes of what nobody could read." : "What was said of events that could not be used, wholly or in a part."),
    tabs(isDead),
    filters(parameters, isDead, [...new Set(counts.map((it) => it.kind))]),
    counts.length > 0 && panel(null, plot(counts)),
    rowsOf(found).length ? list(found, query, isDead, signal) : none(parameters, isDead),
  ];
}

const rowsOf = (found) => found.rejections ?? found.dead_letters ?? [];

function asked(parameters, isDead) {
  const days = Number(parameters.get("days") ?? 7);
  const since = Date.now() - days * DAY_MS;
  return { since_ms: Math.round(since), [isDead ? "topic" : "rejection_class"]: parameters.get(isDead ? "topic" : "rejection_class") };
}

function tabs(isDead) {
  const tab = (name, address, is) => el("a", { href: address, "aria-current": is ? "page" : null }, name);
  return el("nav", { class: "tabs", "aria-label": "What is shown" },
    tab("Rejections", "#/rejections", !isDead), tab("Dead letters", "#/rejections?of=dead-letters", isDead));
}

function filters(parameters, isDead, kinds) {
  const name = isDead ? "topic" : "rejection_class";
  const now = parameters.get(name);
  const form = el("form", { class: "filters", "aria-label": "Filters" },
    el("label", { class: "field" }, el("span", {}, "time"), el("select", { name: "days" }, SPANS.map(
      ([days, said]) => el("option", { value: days, selected: days === (parameters.get("days") ?? "7") }, said)))),
    !isDead && el("label", { class: "field" }, el("span", {}, "class"), el("select", { name }, el("option", { value: "" }, "all"),
      [...new Set([...kinds, ...(now ? [now] : [])])].map((kind) => el("option", { value: kind, selected: kind === now }, kind)))));
  form.addEventListener("change", () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    if (isDead) query.set("of", "dead-letters");
    location.hash = `/rejections?${query}`;
  });
  return form;
}

function plot(counts) {
  const sums = new Map();
  for (const { kind, count } of counts) sums.set(kind, (sums.get(kind) ?? 0) + count);
  const kinds = [...sums.keys()].sort((one, other) => sums.get(other) - sums.get(one));
  return hours(counts, kinds, "By hour", { said: `By class: ${kinds.map((kind) => `${kind} ${sums.get(kind)}`).join(", ")}`, name: (kind) => `${shown(kind)} ${sums.get(kind)}` });
}

function list(found, query, isDead, signal) {
  const rows = el("ul", { class: "rows", "aria-label": isDead ? "Dead letters" : "Rejections" }, rowsOf(found).map((it) => row(it, isDead)));
  const more = el("button", { type: "button" }, "More");
  more.hidden = !found.next;
  let { next } = found;
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      const page = await get(isDead ? "dead-letters" : "rejections", { ...query, after: next }, signal);
      rows.append(...rowsOf(page).map((it) => row(it, isDead)));
      ({ next } = page);
      more.hidden = !next;
    } catch (error) {
      if (error.name !== "AbortError") more.after(failed(error));
    } finally {
      more.disabled = false;
    }
  });
  return el("div", { class: "stack" }, rows, more);
}

function row(it, isDead) {
  // the letter says more than the item, where there is one
  const letter = isDead ? it : it.letter;
  const address = letter
    ? `#/rejections/${part(letter.topic)}/${letter.partition}/${letter.offset}`
    : it.content_id ? itemAddress(it.content_id) : "#/rejections?of=dead-letters";
  const from = it.source_topic ? `${it.source_topic} ${it.source_partition}:${it.source_offset}` : `${it.topic} ${it.partition}:${it.offset}`;
  return el("li", {}, el("a", { href: address, data: { row: `${it.topic}/${it.partition}/${it.offset}` } },
    el("span", { class: "spread" },
      el("span", { class: "row-title" }, sentence(it.rejection_class ?? "unread")),
      el("span", { class: "row-of" }, it.fault && tag(faultSaid(it.fault), it.fault === "OURS" ? "bad" : "warn"), it.redriven && tag("redriven", "accent"))),
    el("span", { class: "snippet" }, content(it.message ?? it.reason ?? "")),
    el("span", { class: "meta" },
      it.content_id && content(it.content_id, { class: "mono" }),
      content(from, { class: "mono" }),
      typeof it.attempt === "number" && el("span", {}, `attempt ${it.attempt}`),
      el("span", { title: date(it.arrived_ms) }, ago(it.arrived_ms)))));
}

const faultSaid = (fault) => ({ OURS: "our fault", PRODUCER: "producer's fault" })[fault] ?? words(fault).toLowerCase();

function none(parameters, isDead) {
  const is = isDead ? "No dead letters" : "No rejections";
  return parameters.size > (isDead ? 1 : 0) ? empty(is, "None in this time or of this class.") : empty(is, "Everything that came could be used.");
}
