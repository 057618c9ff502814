// Plots as SVG elements: their colours are the page's, and each says in words what it shows.

import { el, replace, svg } from "./dom.js";
import { day, hour, moment, number, percent } from "./format.js";

/** A drawing with a caption; `said` is for those who do not see it. */
export function figure(caption, said, width, height, ...children) {
  return el("figure", {}, caption && el("figcaption", {}, caption),
    svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said ?? caption }, children));
}

const scale = (low, high, from, to) => (value) => (high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from));

const text = (x, y, said, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, said);

/** A line without axes, the newest value at the right. */
export function sparkline(values, said, { width = 160, height = 34 } = {}) {
  const top = Math.max(1, ...values);
  const x = scale(0, Math.max(1, values.length - 1), 1, width - 3);
  const y = scale(0, top, height - 3, 4);
  const points = values.map((value, place) => `${x(place).toFixed(1)},${y(value).toFixed(1)}`);
  const last = values.length - 1;
  return svg("svg", { class: "plot spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said },
    points.length > 1 && svg("polygon", { class: "area", points: `1,${height - 2} ${points.join(" ")} ${x(last)},${height - 2}` }),
    points.length > 1 && svg("polyline", { class: "line", points: points.join(" ") }),
    points.length > 0 && svg("circle", { class: "dot", cx: x(last), cy: y(values[last]), r: 3 }));
}

/**
 * How often what was said with a probability came true. The size of a dot is its share of the cases.
 * `bins`: [{predicted, observed, count}].
 */
export function reliability(bins, name) {
  const size = 220, left = 34, bottom = 190;
  const x = scale(0, 1, left, size - 8), y = scale(0, 1, bottom, 10);
  const used = bins.filter((bin) => bin.count > 0 && bin.predicted !== null);
  const most = Math.max(1, ...used.map((bin) => bin.count));
  const said = `Reliability of ${name}: ${used.map((bin) => `said ${percent(bin.predicted)}, came true ${percent(bin.observed)}, ${bin.count} cases`).join("; ")}`;
  return figure(`${name}: said and come true`, said, size, 220,
    svg("path", { class: "axis", d: `M${left},10V${bottom}H${size - 8}` }),
    svg("path", { class: "guide", d: `M${x(0)},${y(0)}L${x(1)},${y(1)}` }),
    used.length > 1 && svg("polyline", { class: "line", points: used.map((bin) => `${x(bin.predicted)},${y(bin.observed)}`).join(" ") }),
    used.map((bin) => svg("circle", { class: "dot", cx: x(bin.predicted), cy: y(bin.observed), r: 2.5 + 5 * Math.sqrt(bin.count / most) },
      svg("title", {}, `said ${percent(bin.predicted)}, came true ${percent(bin.observed)}, ${bin.count} cases`))),
    [0, 0.5, 1].map((tick) => [text(x(tick), bottom + 16, number(tick), "middle"), text(left - 6, y(tick) + 4, number(tick), "end")]),
    text((left + size) / 2, 218, "probability said", "middle"));
}

/** The false alarms that a recall costs. `points`: [[false alarm rate, recall]]. */
export function roc(points, name) {
  const size = 220, left = 34, bottom = 190;
  const x = scale(0, 1, left, size - 8), y = scale(0, 1, bottom, 10);
  return figure(`${name}: found, and false alarms`, `Curve of recall over false alarms of ${name}`, size, 220,
    svg("path", { class: "axis", d: `M${left},10V${bottom}H${size - 8}` }),
    svg("path", { class: "guide", d: `M${x(0)},${y(0)}L${x(1)},${y(1)}` }),
    svg("polyline", { class: "line", points: points.map(([alarm, recall]) => `${x(alarm)},${y(recall)}`).join(" ") }),
    [0, 0.5, 1].map((tick) => [text(x(tick), bottom + 16, number(tick), "middle"), text(left - 6, y(tick) + 4, number(tick), "end")]),
    text((left + size) / 2, 218, "false alarms", "middle"));
}

/** One figure with its interval, and a bar where guessing would be. From 0 to 1, or to what it needs. */
export function interval({ value, low = null, high = null, chance = null }, name) {
  const given = [value, low, high, chance].filter((it) => typeof it === "number");
  const from = Math.min(0, ...given), to = Math.max(1, ...given);
  const x = scale(from, to, 6, 174);
  const said = `${name}: ${number(value)}${low === null ? "" : `, between ${number(low)} and ${number(high)}`}${chance === null ? "" : `, chance ${number(chance)}`}`;
  return svg("svg", { class: "plot interval", viewBox: "0 0 180 18", role: "img", "aria-label": said },
    svg("path", { class: "axis", d: "M6,9H174" }),
    typeof chance === "number" && svg("path", { class: "chance", d: `M${x(chance)},3V15` }),
    low !== null && svg("path", { class: "whisker", d: `M${x(low)},9H${x(high)}M${x(low)},6V12M${x(high)},6V12` }),
    typeof value === "number" && svg("circle", { class: "dot", cx: x(value), cy: 9, r: 4.5 }));
}

/** Values over time with their intervals; `points`: [{ms, value, low?, high?, isBad?, title?}]. */
export function overTime(points, caption, { limit = null, said = null, height = 150 } = {}) {
  const width = 420, left = 44, bottom = height - 26;
  const sorted = [...points].sort((one, other) => one.ms - other.ms);
  const all = sorted.flatMap((it) => [it.value, it.low ?? it.value, it.high ?? it.value]).concat(limit ?? []);
  const low = Math.min(...all), high = Math.max(...all);
  const room = high === low ? Math.abs(high) * 0.1 || 1 : (high - low) * 0.08;
  const from = limit !== null && low >= 0 ? 0 : low - room;
  const x = scale(sorted[0].ms, sorted.at(-1).ms, left + 8, width - 12), y = scale(from, high + room, bottom, 10);
  const ends = sorted.length > 1 ? [sorted[0], sorted.at(-1)] : [sorted[0]];
  return figure(caption, said ?? `${caption}: ${sorted.map((it) => `${day(it.ms)} ${number(it.value)}`).join(", ")}`, width, height,
    svg("path", { class: "axis", d: `M${left},10V${bottom}H${width - 4}` }),
    limit !== null && svg("path", { class: "limit", d: `M${left},${y(limit)}H${width - 4}` }),
    sorted.length > 1 && svg("polyline", { class: "line", points: sorted.map((it) => `${x(it.ms)},${y(it.value)}`).join(" ") }),
    sorted.map((it) => [
      typeof it.low === "number" && svg("path", { class: "whisker", d: `M${x(it.ms)},${y(it.low)}V${y(it.high)}` }),
      svg("circle", { class: `dot ${it.isBad ? "bad" : ""} ${it.isHollow ? "hollow" : ""}`, cx: x(it.ms), cy: y(it.value), r: 4 },
        svg("title", {}, it.title ?? `${day(it.ms)}: ${number(it.value)}`)),
    ]),
    ends.map((it, place) => text(x(it.ms), bottom + 17, day(it.ms), place ? "end" : ends.length > 1 ? "start" : "middle")),
    text(left - 6, y(high) + 4, number(high), "end"),
    high !== low && text(left - 6, y(from === 0 ? 0 : low) + 4, number(from === 0 ? 0 : low), "end"));
}

/** Two counts of each name, one bar under the other. `rows`: [{name, live, run}]. */
export function twoBars(rows, caption) {
  const width = 420, left = 140, step = 36, bar = 11;
  const x = scale(0, Math.max(1, ...rows.flatMap((it) => [it.live, it.run])), left, width - 56);
  const said = `${caption}: ${rows.map((it) => `${it.name} ${it.live} live, ${it.run} in the run`).join("; ")}`;
  return figure(caption, said, width, rows.length * step,
    rows.map((it, place) => [
      text(left - 10, place * step + 21, it.name.length > 20 ? `${it.name.slice(0, 19)}…` : it.name, "end"),
      [it.live, it.run].map((count, side) => {
        const y = place * step + 4 + side * (bar + 2);
        return [
          svg("rect", { class: `kind-${1 - side}`, x: left, y, width: Math.max(1, x(count) - left), height: bar, rx: 2 }),
          text(x(count) + 7, y + bar - 2, number(count)),
        ];
      }),
    ]));
}

/** Counts between edges, filled; `over` are others between the same edges, as an outline. Either: {edges, counts}. */
export function histogram({ edges, counts }, caption, over = null) {
  const width = 420, left = 44, bottom = 130;
  const most = Math.max(1, ...counts, ...(over?.counts ?? []));
  const x = scale(edges[0], edges.at(-1), left, width - 12), y = scale(0, most, bottom, 12);
  const stairs = (each) => each.map((count, place) => `V${y(count)}H${x(edges[place + 1])}`).join("");
  const line = (each) => `M${x(edges[0])},${bottom}${stairs(each)}V${bottom}`;
  return figure(caption, `${caption}: from ${number(edges[0])} to ${number(edges.at(-1))}, at most ${number(most)} in one of ${counts.length} bins`, width, 156,
    svg("path", { class: over ? "kind-1" : "kind-0", d: line(counts) }),
    over && svg("path", { class: "line", d: line(over.counts) }),
    svg("path", { class: "axis", d: `M${left},12V${bottom}H${width - 4}` }),
    text(left - 6, 16, number(most), "end"), text(left - 6, bottom + 4, "0", "end"),
    text(left, bottom + 18, number(edges[0])), text(width - 12, bottom + 18, number(edges.at(-1)), "end"));
}

/** Counts of some kinds, one column an hour; `counts`: [{hour_ms, kind, count}]. */
export function hours(counts, kinds, caption, options) {
  const box = el("div", { class: "stack" });
  let drawn = 0;
  // as wide as its place is, and drawn again when that changes: shrunk, its words could not be read
  new ResizeObserver(([{ contentRect: { width } }]) => {
    if (Math.abs(width - drawn) < 20) return;
    drawn = width;
    replace(box, hoursAt(Math.max(280, Math.round(width)), counts, kinds, caption, options));
  }).observe(box);
  return box;
}

function hoursAt(width, counts, kinds, caption, { name = (kind) => kind, said }) {
  const HOUR = 3_600_000, height = 170, left = 40, bottom = 142;
  const last = Math.max(...counts.map((it) => it.hour_ms));
  const first = Math.min(last - 23 * HOUR, ...counts.map((it) => it.hour_ms));
  const columns = Math.round((last - first) / HOUR) + 1;
  const sums = new Map();
  for (const { hour_ms: hour, count } of counts) sums.set(hour, (sums.get(hour) ?? 0) + count);
  const y = scale(0, Math.max(...sums.values()), bottom, 12);
  const step = (width - left - 8) / columns;
  const tops = new Map();
  const rects = counts.filter((it) => it.count).sort((one, other) => kinds.indexOf(one.kind) - kinds.indexOf(other.kind)).map(({ hour_ms: hour, kind, count }) => {
    const below = tops.get(hour) ?? 0;
    tops.set(hour, below + count);
    return svg("rect", {
      class: `kind-${Math.min(5, kinds.indexOf(kind))}`,
      x: left + 4 + Math.round((hour - first) / HOUR) * step, width: Math.max(1, Math.min(step - 2, 26)),
      y: y(below + count), height: Math.max(1, y(below) - y(below + count)), rx: 2,
    }, svg("title", {}, `${new Date(hour).toLocaleString()}: ${name(kind)}, ${count}`));
  });
  // a time alone would not say of which day it is
  const tick = columns > 48 ? day : day(first) === day(last) ? hour : moment;
  return [
    figure(caption, said, width, height,
      svg("path", { class: "axis", d: `M${left},12V${bottom}H${width - 4}` }), rects,
      text(left - 6, 16, number(Math.max(...sums.values())), "end"), text(left - 6, bottom + 4, "0", "end"),
      text(left + 4, bottom + 20, tick(first)), text(width - 4, bottom + 20, tick(last), "end")),
    el("p", { class: "legend" }, kinds.map((kind, place) => el("span", {}, el("i", { class: `kind-${Math.min(5, place)}` }), name(kind)))),
  ];
}
