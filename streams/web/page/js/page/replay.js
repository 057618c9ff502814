// What replays say otherwise than the live signals, and how one becomes what is live.

import { get, part, post, session } from "../api.js";
import { content, el, replace, shown } from "../dom.js";
import { number, percent, plural, sentence, words } from "../format.js";
import { announce, empty, failed, fill } from "../notice.js";
import { confirmed, facts, itemAddress, table, tag } from "../part.js";
import { histogram, twoBars } from "../plot.js";

const KINDS = { FINISHED: "accent", PROMOTED: "accent", ABORTED: "bad" };
const MOST_PLOTS = 8;
const MOST_BARS = 12;
const MOST_ITEMS = 6; // shown before the rest is asked for
const MOST_CHANGES = 4; // of one item
const ALIKE = new Set(["SAME", "CHANGED"]); // these are said in a sentence

export async function replays(parameters, signal) {
  const [{ runs }, { roles }] = await Promise.all([get("replays", {}, signal), session()]);
  if (!runs.length) return empty("No replays", "Start one with `earmark replay start`: it answers the same items with another model or other thresholds, beside the live signals.");
  return el("ul", { class: "stack" }, runs.map((it) => {
    const place = el("li", {});
    return replace(place, run(it, roles, place, signal));
  }));
}

function run(it, roles, place, signal) {
  const compared = el("div", {});
  const open = el("button", { type: "button", on: { click: () => fill(compared, async () => diff(await get(`replays/${part(it.name)}/diff`, {}, signal)), { signal, what: "Comparing" }) } }, "Compare with live");
  const others = [...Object.entries(it.models ?? {}).map(([name, model]) => `${name} by ${model}`), ...(it.thresholds ?? []).map((name) => `other thresholds of ${name}`)];
  return el("section", { class: "panel stack" },
    el("h2", { class: "spread" }, content(it.name), tag(sentence(it.state), KINDS[it.state] ?? "")),
    el("p", { class: "meta" },
      el("span", {}, it.signals.length ? it.signals.join(", ") : "all signals"),
      others.map((said) => el("span", {}, content(said))),
      el("span", {}, plural(it.items, "record")),
      typeof it.progress === "number" && el("span", {}, `${percent(it.progress)} answered`)),
    it.state !== "ABORTED" && el("div", { class: "row-of" }, open, promotion(it, roles, place, signal)),
    compared);
}

function promotion(it, roles, place, signal) {
  if (it.state === "PROMOTED") return null;
  if (!roles.includes("operator")) return el("p", { class: "muted small" }, "Promoting it needs the role operator.");
  if (it.state !== "FINISHED") return el("p", { class: "muted small" }, "It can be promoted when it has finished.");
  const button = el("button", { type: "button", class: "main" }, "Promote");
  button.addEventListener("click", async () => {
    if (!(await confirmed(`Promote ${it.name}?`, "Its answers become the live ones of the items that it answered.", "Promote"))) return;
    button.disabled = true;
    try {
      const { sent } = await post(`replays/${part(it.name)}/promote`);
      const said = `${plural(sent, "answer")} handed to the live workers`;
      announce(said);
      const { runs } = await get("replays", {}, signal);
      const now = runs.find((each) => each.name === it.name) ?? it;
      replace(place, run(now, roles, place, signal));
      place.querySelector(".meta").append(el("span", {}, said));
    } catch (error) {
      if (error.name === "AbortError") return;
      button.disabled = false;
      button.after(failed(error));
    }
  });
  return button;
}

function diff({ signals }) {
  const isEmpty = (it) => !it.pairs && !others(it).length;
  const without = signals.filter(isEmpty).map((it) => it.signal);
  return el("div", { class: "stack wide" }, signals.filter((it) => !isEmpty(it)).map(one),
    without.length > 0 && el("p", { class: "muted small" }, `Nothing to compare of ${without.join(", ")}.`));
}

/** What is neither the same nor changed. */
const others = (it) => Object.entries(it.standings).filter(([name, count]) => count && !ALIKE.has(name));

function one(it) {
  const standings = others(it).map(([name, count]) => [sentence(name), count]);
  const { count, of, value, interval } = it.changed;
  return el("div", { class: "stack wide" },
    el("h3", {}, content(it.signal)),
    el("p", {}, `${number(count)} of ${number(of)} answers changed`, value !== null && `: ${percent(value)}`, interval && el("span", { class: "muted" }, ` (${percent(interval.low)} to ${percent(interval.high)})`)),
    standings.length > 0 && facts(standings, new Set(), String),
    it.pairs > 0 && [makers(it), outcomes(it), labels(it), numbers(it), gaps(it), items(it)]);
}

const KEY = () => el("p", { class: "legend" }, el("span", {}, el("i", { class: "kind-1" }), "live"), el("span", {}, el("i", { class: "kind-0" }), "run"));

function makers(it) {
  const rows = [["live", it.live_makers], ["run", it.run_makers]].flatMap(([side, made]) => made.map((by) => [
    side, content(`${by.model_name} ${by.model_version}`), content(by.config_hash.slice(0, 12), { class: "mono" }), content(by.thresholds_version ?? "–"), number(by.answers)]));
  return table(`Who made the answers of ${it.signal}`, [["side"], ["model"], ["configuration"], ["thresholds"], ["answers", true]], rows);
}

function outcomes(it) {
  const moved = it.outcomes.filter(({ live, run: other }) => live !== other);
  if (!moved.length) return null;
  return table(`Other outcomes of ${it.signal}`, [["outcome live"], ["in the run"], ["answers", true]],
    moved.map((each) => [sentence(each.live), sentence(each.run), number(each.pairs)]));
}

const share = (it) => `${number(it.count)}${typeof it.value === "number" ? ` (${percent(it.value)})` : ""}`;

function labels(it) {
  const flipped = it.labels.filter(({ gained, lost }) => gained.count + lost.count);
  if (!flipped.length) return null;
  return el("div", { class: "stack" },
    el("div", { class: "plots wide" }, el("div", { class: "stack tight" },
      twoBars(flipped.slice(0, MOST_BARS).map(({ label, live, run: other }) => ({ name: shown(label), live, run: other })), "Answers with each label"), KEY())),
    table(`Labels of ${it.signal}`, [["label"], ["live", true], ["run", true], ["came", true], ["went", true]], flipped.map((label) => [
      content(label.label), number(label.live), number(label.run), share(label.gained), share(label.lost)])));
}

function numbers(it) {
  const moved = it.numbers.filter(({ beyond, appeared, vanished }) => beyond.count || appeared || vanished);
  if (!moved.length) return null;
  const drawn = moved.filter((each) => each.live && each.run).slice(0, MOST_PLOTS);
  return el("div", { class: "stack" },
    drawn.length > 0 && el("div", { class: "plots wide" }, drawn.map((each) => el("div", { class: "stack tight" }, histogram(each.live, words(each.name), each.run), KEY()))),
    table(`Numbers of ${it.signal}`, [["number"], ["mean live", true], ["mean run", true], ["difference", true], ["beyond tolerance", true], ["came", true], ["went", true]], moved.map((of) => [
      words(of.name), number(of.mean_live), number(of.mean_run), number(of.mean_difference), share(of.beyond), number(of.appeared), number(of.vanished)])));
}

function gaps(it) {
  const wide = it.gaps.filter(({ largest }) => largest > 0);
  if (!wide.length) return null;
  return el("div", { class: "plots wide" }, wide.map((gap) => el("div", { class: "stack tight" },
    histogram(gap.histogram, `${gap.kind} between live and run`),
    el("p", { class: "muted small" }, `median ${number(gap.median)}, 95th percentile ${number(gap.p95)}, largest ${number(gap.largest)}`))));
}

function items(it) {
  if (!it.most_changed.length) return null;
  const columns = [["item"], ["distance", true], ["live → run"]];
  const rows = it.most_changed.map((item) => [
    el("a", { href: itemAddress(item.content_id) }, content(item.content_id, { class: "mono" })),
    number(item.distance),
    el("ul", {}, item.changes.slice(0, MOST_CHANGES).map((change) => el("li", {}, el("span", { class: "muted" }, content(`${words(change.field)} `)), content(change.live), " → ", content(change.run))),
      !item.changes.length && item.differences.map((line) => el("li", {}, content(line)))),
  ]);
  const more = rows.slice(MOST_ITEMS);
  return el("div", { class: "stack tight" },
    table(`Items of ${it.signal} that changed most`, columns, rows.slice(0, MOST_ITEMS)),
    more.length > 0 && el("details", {}, el("summary", {}, plural(more.length, "more item")), table(`More items of ${it.signal} that changed`, columns, more)));
}
