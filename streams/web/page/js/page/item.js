// One item with everything that is known of it.

import { address, get, part } from "../api.js";
import { content, el, replace } from "../dom.js";
import { date, plural, words } from "../format.js";
import { Clock } from "../item/clock.js";
import { player } from "../item/player.js";
import { probabilities, signalCards } from "../item/signal.js";
import { texts } from "../item/text.js";
import { transcript } from "../item/transcript.js";
import { reviews, verdicts } from "../item/verdict.js";
import { pageKeys } from "../keyboard.js";
import { fill } from "../notice.js";
import { effectTag, facts, head, itemRow, panel, tag } from "../part.js";

const BUCKETS = 1200;
const SEEK_S = 5;
const LEAST = 0.25; // cosine: below it, the nearest are not near
const MOST_NEAR = 6;
const NOT_SAID = new Set(["content_id", "event_type"]); // said above, or by another name

export async function show({ values: [id], signal }) {
  const path = `items/${part(id)}`;
  const [found, timeline] = await Promise.all([get(path, {}, signal), get(`${path}/timeline`, {}, signal).catch(noTimeline)]);
  const clock = clockOf(found, timeline, path, signal);
  document.title = `${titleOf(found)} · Earmark`;
  pageKeys({
    Escape: () => history.length > 1 && history.back(),
    ...(clock && { " ": () => clock.toggle(), ArrowLeft: () => clock.by(-SEEK_S), ArrowRight: () => clock.by(SEEK_S) }),
  });
  return [top(found), clock && sound(clock, path, timeline, signal), body(found, timeline, clock, path, signal)];
}

/** An item without sound has none. */
function noTimeline(error) {
  if (error.status !== 404) throw error;
  return { duration_s: 0, lanes: [] };
}

function clockOf(found, timeline, path, signal) {
  if (!found.item.audio) return null;
  const clock = new Clock(new Audio(), found.item.audio.duration_s ?? timeline.duration_s ?? 0);
  clock.audio.preload = "metadata";
  clock.audio.src = address(`${path}/audio`);
  signal.addEventListener("abort", () => clock.stop());
  return clock;
}

const titleOf = ({ item, content_id: id }) => item.texts.find((it) => it.field === "title")?.text || id;

function top(found) {
  const { item } = found;
  return el("div", { class: "stack" },
    el("div", { class: "head" }, el("h1", {}, content(titleOf(found))),
      el("div", { class: "row-of" }, (found.verdicts[0]?.effects ?? []).map(effectTag), found.profile?.complete === false && tag("incomplete", "warn"))),
    el("p", { class: "meta" },
      titleOf(found) !== found.content_id && content(found.content_id, { class: "mono" }), el("span", {}, item.content_type), item.language && el("span", {}, item.language),
      el("span", {}, date(item.event_ms)), el("span", {}, plural(found.signals.length, "signal")),
      el("a", { href: `#/items?like=${part(found.content_id)}` }, "Find alike")));
}

function sound(clock, path, timeline, signal) {
  const wave = get(`${path}/waveform`, { buckets: BUCKETS }, signal);
  const isMeasured = timeline.lanes.some((it) => it.name === "loudness");
  return player(clock, {
    wave,
    // the level over time is known once the recording was read for its waveform
    more: isMeasured ? null : wave.then(() => get(`${path}/timeline`, {}, signal)).then((it) => it.lanes),
    spectrogram: address(`${path}/spectrogram.png`, { width: BUCKETS, height: 160 }),
    timeline: timeline.lanes,
  });
}

function body(found, timeline, clock, path, signal) {
  const tags = probabilities(found.signals);
  return el("div", { class: "item" },
    el("div", { class: "stack" },
      worded(found, timeline, clock, path, signal),
      similar(path, signal)),
    el("div", { class: "stack" },
      verdicts(found.verdicts, clock),
      reviews(found.review),
      tags.length > 0 && panel("Probabilities", el("div", { class: "stack" }, tags)),
      source(found)),
    el("section", { class: "stack all", "aria-labelledby": "signals-title" }, el("h2", { id: "signals-title" }, "Signals"), signalCards(found.signals, found.content_id)));
}

/** Transcript and texts, masked; asked for again, whole, when somebody wants to see. */
function worded(found, timeline, clock, path, signal) {
  const place = el("div", { class: "stack" });
  const draw = (item, lanes, isOpen) => {
    const said = lanes.find((it) => it.kind === "words");
    const all = said?.words ?? said?.segments ?? [];
    replace(place,
      all.length > 0 && clock && transcript(all, clock, !isOpen && item.texts.some((it) => it.field === "transcript" && it.masked)),
      texts(item.texts.filter((it) => it.field !== "transcript" || !all.length), { isOpen, reveal: () => reveal(!isOpen) }));
  };
  const reveal = async (isOpen) => {
    const unmask = isOpen ? 1 : null;
    await fill(place, async () => {
      const [whole, times] = await Promise.all([get(path, { unmask }, signal), get(`${path}/timeline`, { unmask }, signal).catch(noTimeline)]);
      draw(whole.item, times.lanes, isOpen);
      return [...place.childNodes];
    }, { signal });
    place.querySelector("#reveal")?.focus();
  };
  draw(found.item, timeline.lanes, false);
  return place;
}

/** What is near, by meaning and by sound; each asked for by itself, so that one does not wait for the other. */
function similar(path, signal) {
  const ways = [["fingerprint", "The same sound"], ["embedding", "Alike in meaning"]];
  const places = ways.map(([by, title]) => {
    const place = el("div", { class: "narrow" });
    fill(place, async () => {
      const { items } = await get(`${path}/similar`, { by }, signal).catch((error) => {
        if (error.status !== 404) throw error;
        return { items: [] };
      });
      return items.some((it) => it.similarity >= LEAST) ? el("ul", { class: "rows" }, items.filter((it) => it.similarity >= LEAST).slice(0, MOST_NEAR).map(itemRow)) : el("p", { class: "muted small" }, "None found.");
    }, { signal, what: title });
    return el("div", { class: "stack tight" }, el("h3", {}, title), place);
  });
  return panel("Near it", el("div", { class: "stack" }, places));
}

function source(found) {
  const { texts: _, audio, ...item } = found.item;
  const said = (value) => (Array.isArray(value) ? value.join(", ") : value !== null && typeof value === "object" ? Object.entries(value).map(([name, it]) => `${name}: ${it}`).join(", ") : value);
  const pairs = Object.entries(item).filter(([name]) => !name.endsWith("_ms") && !NOT_SAID.has(name));
  const missing = (found.profile?.expected ?? []).filter((name) => !found.signals.some((it) => it.name === name));
  return panel("Event",
    facts([...pairs.map(([name, value]) => [name, name === "revision" ? String(value) : said(value)]), ["event time", date(item.event_ms)], ["missing signals", missing.join(", ") || null]], new Set(["event_id"])),
    audio && el("details", { open: true }, el("summary", {}, "Audio"), facts(Object.entries(audio).map(([name, value]) => [words(name), said(value)]), new Set(["uri", "sha256"]))));
}
