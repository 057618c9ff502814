// Signals as they arrive, with rates and lag; what stands on the page is bounded.

import { address, get, part } from "../api.js";
import { content, el, replace, shown } from "../dom.js";
import { clock, number, plural } from "../format.js";
import { pageKeys } from "../keyboard.js";
import { announce } from "../notice.js";
import { filters, head, outcomeTag, panel, tag } from "../part.js";
import { sparkline } from "../plot.js";

const MOST_ROWS = 150;
const MOST_WAITING = 500;
const MOST_RATES = 90; // of two seconds each: three minutes
const MOST_LABELS = 3;
const TOLD_MS = 20_000;

export async function show({ parameters, signal }) {
  const { signals } = await get("signals", {}, signal);
  const stream = new Stream(parameters);
  signal.addEventListener("abort", () => stream.close());
  pageKeys({ " ": () => stream.pause(), n: () => stream.step() });
  stream.open();
  return [
    head("Stream", "Signals as they arrive. Nothing is kept here: the list holds the last ones only."),
    filters(parameters, signals.map((it) => it.name), (query) => {
      location.hash = `/stream${query.size ? `?${query}` : ""}`;
    }),
    el("div", { class: "stream" }, el("div", { class: "stack" }, stream.bar, stream.none, stream.rows), stream.side),
  ];
}

/** The connection, and what of it is on the page. */
class Stream {
  #source = null;
  #waiting = [];
  #dropped = 0;
  #missed = false;
  #paused = false;
  #since = 0;
  #behind = [];

  constructor(parameters) {
    this.url = address("stream", Object.fromEntries(parameters));
    this.state = el("span", { class: "muted small" }, "connecting…");
    this.pauseButton = el("button", { type: "button", "aria-pressed": "false", on: { click: () => this.pause() } }, "Pause");
    this.stepButton = el("button", { type: "button", disabled: true, on: { click: () => this.step() } }, "Step");
    this.bar = el("div", { class: "row-of" }, this.pauseButton, this.stepButton, this.state);
    this.none = el("div", { class: "state" }, el("p", { class: "state-title" }, "Listening"), el("p", {}, "The next signal that fits appears here."));
    this.rows = el("ol", { class: "rows live", "aria-label": "Signals, the newest first" });
    this.rows.hidden = true;
    this.sum = el("div", { class: "spread" }, el("p", { class: "muted small" }, "The first figures come within two seconds."));
    this.rates = el("dl", { class: "bars" });
    this.lag = el("dl", { class: "facts" });
    // on a telephone the signals come first
    this.more = el("details", { open: matchMedia("(min-width: 760px)").matches }, el("summary", {}, "By signal and group"), el("div", { class: "stack" }, this.rates, this.lag));
    this.side = panel("Rates and lag", el("div", { class: "stack" }, this.sum, this.more));
    this.side.classList.add("rates");
  }

  open() {
    this.#source = new EventSource(this.url);
    this.#source.addEventListener("open", () => this.#say());
    this.#source.addEventListener("signal", (event) => this.#take(JSON.parse(event.data)));
    this.#source.addEventListener("rate", (event) => this.#rate(JSON.parse(event.data)));
    this.#source.addEventListener("dropped", (event) => {
      this.#dropped += JSON.parse(event.data).count ?? 0;
      this.#say();
    });
    this.#source.addEventListener("missed", () => {
      this.#missed = true;
      this.#say();
    });
    this.#source.addEventListener("end", (event) => {
      this.state.textContent = `the server has ended the stream: ${shown(JSON.parse(event.data).reason)}`;
    });
    this.#source.addEventListener("error", () => {
      this.state.textContent = this.#source.readyState === EventSource.CLOSED ? "the server has ended the stream" : "connection lost, trying again…";
    });
    this.teller = setInterval(() => this.#tell(), TOLD_MS);
  }

  close() {
    clearInterval(this.teller);
    this.#source?.close();
  }

  pause() {
    this.#paused = !this.#paused;
    this.pauseButton.setAttribute("aria-pressed", String(this.#paused));
    this.pauseButton.textContent = this.#paused ? "Go on" : "Pause";
    this.stepButton.disabled = !this.#paused;
    if (!this.#paused) while (this.#waiting.length) this.#add(this.#waiting.shift());
    this.#say();
  }

  /** Show the next of those that wait; without a pause, make one. */
  step() {
    if (!this.#paused) this.pause();
    else if (this.#waiting.length) this.#add(this.#waiting.shift());
    this.#say();
  }

  #take(row) {
    if (!this.#paused) this.#add(row);
    else {
      this.#waiting.push(row);
      if (this.#waiting.length > MOST_WAITING) {
        this.#waiting.shift();
        this.#dropped += 1;
      }
    }
    this.#say();
  }

  #say() {
    const waiting = this.#waiting.length;
    const dropped = this.#dropped ? `, ${number(this.#dropped)} left out: more came than can be shown` : "";
    this.state.textContent = `${this.#paused ? `paused, ${number(waiting)} waiting` : "live"}${dropped}${this.#missed ? ", some missed while the connection was lost" : ""}`;
  }

  #add(row) {
    this.#since += 1;
    this.rows.prepend(line(row));
    while (this.rows.childElementCount > MOST_ROWS) this.rows.lastElementChild.remove();
    this.none.hidden = true;
    this.rows.hidden = false;
  }

  /** A sentence now and then: every row would drown who listens. */
  #tell() {
    if (this.#since) announce(`${plural(this.#since, "signal")} in the last ${TOLD_MS / 1000} seconds`);
    this.#since = 0;
  }

  #rate({ per_s: perSecond, lag, records_behind: behind }) {
    this.#behind.push(behind ?? 0);
    if (this.#behind.length > MOST_RATES) this.#behind.shift();
    const rates = Object.entries(perSecond ?? {}).sort(([, one], [, other]) => other - one);
    const sum = rates.reduce((total, [, rate]) => total + rate, 0);
    const most = Math.max(1e-9, ...rates.map(([, rate]) => rate));
    replace(this.sum,
      el("div", { class: "big" }, el("strong", {}, number(sum)), " signals/s"),
      el("div", {}, sparkline(this.#behind, `Records behind, now ${behind ?? 0}`), el("div", { class: "muted small" }, `${plural(behind ?? 0, "record")} behind`)));
    replace(this.rates, rates.map(([name, rate]) => [
      el("dt", {}, name),
      el("dd", {}, el("span", { class: "bar", "aria-hidden": "true" }, el("i", { style: { width: `${(100 * rate) / most}%` } })), el("span", { class: "value" }, `${number(rate)}/s`)),
    ]));
    replace(this.lag, Object.entries(lag ?? {}).map(([group, records]) => [el("dt", {}, group), el("dd", {}, records === null ? "no worker yet" : plural(records, "record"))]));
  }
}

/** A name that may break after a dot or an underscore, and nowhere else. */
const breakable = (name) => shown(name).split(/(?<=[._])/).flatMap((piece) => [piece, el("wbr")]);

function line(row) {
  const labels = row.labels ?? [];
  return el("li", {}, el(
    "a",
    { href: `#/items/${part(row.content_id)}`, data: { row: row.signal_id ?? "", signal: row.signal } },
    el("time", { class: "muted small" }, clock(row.produced_ms ?? row.event_ms)),
    el("span", { class: "live-signal" }, breakable(row.signal)),
    content(row.content_id, { class: "live-id mono" }),
    el("span", { class: "row-of live-said" },
      row.outcome !== "OK" && outcomeTag(row.outcome),
      labels.slice(0, MOST_LABELS).map((it) => (typeof it === "string" ? tag(it) : tag(it.label, "", it.score ?? null))),
      labels.length > MOST_LABELS && el("span", { class: "muted small" }, `+${labels.length - MOST_LABELS}`)),
    el("span", { class: "muted small" }, [row.content_type, row.language].filter(Boolean).join(" · ")),
  ));
}
