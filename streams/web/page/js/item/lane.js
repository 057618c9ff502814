// The lanes of the time line: stretches with a label, lines of a value, words.

import { el, shown, svg } from "../dom.js";
import { number, percent, place, plural, words } from "../format.js";

const KINDS = { speech: 0, music: 1, noise: 2, silence: 5, speech_over_music: 3, unsure: 5 };
const MOST_BANDS = 400; // more than that is no longer seen apart
const HEIGHT = 44;
const IN_DECIBELS = new Set(["dBFS", "LUFS", "dB"]);
const HEARD_DB = 60;

export function lanes(timeline, clock) {
  return timeline.map((it) => {
    const body = { bands, line, words: wordMarks }[it.kind]?.(it, clock);
    return body && el("div", { class: `lane lane-${it.kind}`, data: { lane: it.name } }, el("span", { class: "lane-name" }, words(shown(it.name)), it.unit && el("small", {}, ` ${it.unit}`)), body);
  });
}

const left = (seconds, clock) => `${(100 * seconds) / (clock.duration || 1)}%`;

/** A click on the ground of a lane seeks too. */
function ground(clock, attributes, ...children) {
  const body = el("div", { class: "lane-body", ...attributes }, children);
  body.addEventListener("click", (event) => {
    if (event.target.closest("button")) return;
    const { left: begin, width } = body.getBoundingClientRect();
    clock.seek(((event.clientX - begin) / width) * clock.duration);
  });
  return body;
}

function bands(lane, clock) {
  if (lane.segments.length && lane.segments.every((it) => it.end_s <= it.start_s)) return moments(lane, clock);
  const segments = lane.segments.slice(0, MOST_BANDS);
  const labels = [...new Set(segments.map((it) => it.label))];
  const buttons = segments.map((it, rank) => band(it, rank, clock, labels, lane.name));
  const rest = lane.segments.length - segments.length;
  const body = ground(clock, {
    role: "group", "aria-label": `${words(lane.name)}: ${plural(lane.segments.length, "stretch", "stretches")}${rest ? `, the first ${segments.length} are shown` : ""}`,
  }, buttons);
  body.addEventListener("keydown", (event) => rove(event, buttons));
  clock.follow((now) => buttons.forEach((button, rank) => {
    button.classList.toggle("now", now >= segments[rank].start_s && now < segments[rank].end_s);
  }));
  return body;
}

/** What has a place and no length, such as beats. */
function moments(lane, clock) {
  const x = (seconds) => ((1000 * seconds) / (clock.duration || 1)).toFixed(1);
  return ground(clock, {}, svg("svg", { class: "lane-beats", viewBox: "0 0 1000 20", preserveAspectRatio: "none", role: "img", "aria-label": `${plural(lane.segments.length, words(lane.segments[0].label ?? "moment"))}` },
    lane.segments.map((it) => svg("line", { x1: x(it.start_s), x2: x(it.start_s), y1: 6, y2: 14 }))));
}

function band({ start_s: start, end_s: end, label, score }, rank, clock, labels, name) {
  const said = `${words(shown(label ?? name))}, ${place(start, true)} to ${place(end, true)}${typeof score === "number" ? `, ${percent(score)}` : ""}`;
  return el("button", {
    type: "button", class: `band kind-${KINDS[label] ?? labels.indexOf(label) % 4}`, title: said, "aria-label": said, tabindex: rank ? "-1" : "0",
    data: { start }, style: { left: left(start, clock), width: `max(2px, ${left(end - start, clock)})` },
    on: { click: () => clock.seek(start) },
  }, el("span", { "aria-hidden": "true" }, words(shown(label ?? ""))));
}

/** One stop of the tabulator for all; arrows go from one to the next. */
export function rove(event, buttons) {
  const now = buttons.indexOf(event.target.closest("button"));
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const next = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : now + (step ?? 0);
  if (now < 0 || next === now || !buttons[next]) return;
  event.preventDefault();
  event.stopPropagation();
  buttons[now].tabIndex = -1;
  buttons[next].tabIndex = 0;
  buttons[next].focus();
}

function line(lane, clock) {
  const points = lane.points.filter(([, value]) => typeof value === "number" && Number.isFinite(value));
  if (!points.length) return null;
  const values = points.map(([, value]) => value);
  const high = Math.max(...values);
  // silence is minus whatever: below what can be heard beside the loudest it would flatten the rest
  const low = Math.max(Math.min(...values), IN_DECIBELS.has(lane.unit) ? high - HEARD_DB : -Infinity);
  const y = (value) => (high === low ? HEIGHT / 2 : 4 + (1 - (Math.max(low, value) - low) / (high - low)) * (HEIGHT - 8));
  const x = (seconds) => (1000 * seconds) / (clock.duration || 1);
  const said = el("output", { class: "lane-value" });
  clock.follow((now) => (said.textContent = number(at(points, now))));
  return ground(clock, { title: `${number(low)} to ${number(high)} ${lane.unit ?? ""}` },
    svg("svg", { class: "lane-line", viewBox: `0 0 1000 ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${words(lane.name)} between ${number(low)} and ${number(high)} ${lane.unit ?? ""}` },
      svg("polyline", { points: points.map(([seconds, value]) => `${x(seconds).toFixed(1)},${y(value).toFixed(1)}`).join(" ") })),
    said);
}

/** The last value that was measured by then. */
function at(points, now) {
  let found = points[0][1];
  for (const [seconds, value] of points) {
    if (seconds > now) break;
    found = value;
  }
  return found;
}

function wordMarks(lane, clock) {
  const all = lane.words ?? lane.segments ?? [];
  return ground(clock, { title: plural(all.length, "piece") + " of the transcript" },
    svg("svg", { class: "lane-words", viewBox: "0 0 1000 20", preserveAspectRatio: "none", role: "img", "aria-label": "Where words are said" },
      all.map((it) => svg("rect", {
        class: it.unsafe ? "unsafe" : "", x: (1000 * it.start_s) / (clock.duration || 1), y: 5, height: 10,
        width: Math.max(1.5, (1000 * (it.end_s - it.start_s)) / (clock.duration || 1) - 1),
      }))));
}
