// Try it: the signals of a file or a text, made here and now; nothing is published or kept.

import { post } from "../api.js";
import { CONTENT_TYPES } from "../constant.js";
import { content, el, replace } from "../dom.js";
import { bytes, number, place as placeOf } from "../format.js";
import { Clock } from "../item/clock.js";
import { player } from "../item/player.js";
import { probabilities, signalCards } from "../item/signal.js";
import { texts } from "../item/text.js";
import { transcript } from "../item/transcript.js";
import { pageKeys } from "../keyboard.js";
import { announce, empty, failed, loading } from "../notice.js";
import { choice, head, panel } from "../part.js";

const MOST_BYTES = 50 * 1024 * 1024;
const MOST_LETTERS = 100_000;
const SEEK_S = 5;

export async function show({ signal }) {
  const result = el("div", { class: "stack", id: "result" });
  const run = runner(result, signal);
  return [
    head("Try it", "The same pipeline as the worker's, on what you give it. Nothing is published, nothing is kept."),
    el("div", { class: "two" }, fileForm(run), textForm(run)),
    result,
  ];
}

function fileForm(run) {
  const input = el("input", { type: "file", id: "file", accept: "audio/*,video/mp4,.mp3,.flac,.ogg,.opus,.wav,.m4a", class: "hidden" });
  const take = (file) => file && run({ file });
  input.addEventListener("change", () => take(input.files[0]));
  const drop = el("label", { class: "drop", for: "file" },
    el("strong", {}, "Drop a recording here"), el("span", { class: "muted" }, `or choose a file, ${bytes(MOST_BYTES)} at most`));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files[0]);
    });
  }
  return panel("A recording", el("div", { class: "drop-box" }, input, drop));
}

function textForm(run) {
  const area = el("textarea", { id: "text", rows: "5", maxlength: MOST_LETTERS, dir: "auto", placeholder: "Paste a comment, lyrics, a description…" });
  const kind = choice("content_type", "kind of content", CONTENT_TYPES.filter((it) => it !== "COMMENT"), null, "COMMENT");
  const form = el("form", { class: "stack" },
    el("label", { class: "field" }, el("span", {}, "text"), area), el("div", { class: "spread" }, kind, el("button", { class: "main" }, "Score")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (area.value.trim()) run({ text: area.value, content_type: new FormData(form).get("content_type") || "COMMENT" });
    else area.focus();
  });
  return panel("A text", form);
}

/** One at a time; a new one replaces what the last one showed. */
function runner(result, signal) {
  let isBusy = false, clock = null, url = null;
  const clear = () => {
    clock?.stop();
    if (url) URL.revokeObjectURL(url);
    [clock, url] = [null, null];
    pageKeys({});
  };
  signal.addEventListener("abort", clear);
  return async ({ file = null, ...text }) => {
    if (isBusy) return;
    clear();
    if (file && file.size > MOST_BYTES) {
      replace(result, failed(new Error(`${file.name} has ${bytes(file.size)}; ${bytes(MOST_BYTES)} is the most.`)));
      return;
    }
    isBusy = true;
    replace(result, panel(null, el("p", { class: "row-of" }, el("span", { class: "spin", "aria-hidden": "true" }), file ? ["Listening to ", content(file.name)] : "Reading"), loading("Working")));
    try {
      const answer = await post("try", file ? formOf(file) : text, signal);
      if (file) {
        url = URL.createObjectURL(file);
        clock = new Clock(Object.assign(new Audio(), { src: url }), answer.timeline?.duration_s ?? 0);
        pageKeys({ " ": () => clock.toggle(), ArrowLeft: () => clock.by(-SEEK_S), ArrowRight: () => clock.by(SEEK_S) });
      }
      replace(result, shownAnswer(answer, clock, file));
      announce(`${answer.signals.length} signals`);
    } catch (error) {
      if (error.name !== "AbortError") replace(result, failed(error));
    } finally {
      isBusy = false;
    }
  };
}

function formOf(file) {
  const form = new FormData();
  form.append("file", file);
  return form;
}

function shownAnswer(answer, clock, file) {
  const lanes = answer.timeline?.lanes ?? [];
  const said = lanes.find((it) => it.kind === "words");
  const words = said?.words ?? said?.segments ?? [];
  const tags = probabilities(answer.signals);
  return [
    el("p", { class: "muted small" }, `${answer.signals.length} signals in ${number(answer.seconds)} s`, file && [" of ", content(file.name), clock.duration ? `, ${placeOf(clock.duration)} long` : ""]),
    answer.rejection && failed(Object.assign(new Error(answer.rejection.message ?? answer.rejection.reason ?? "It could not be used."), { status: 0 })),
    clock && !answer.rejection && player(clock, { timeline: lanes, wave: waveOf(file) }),
    el("div", { class: "item" },
      el("div", { class: "stack" }, words.length > 0 && clock && transcript(words, clock, false),
        texts((answer.texts ?? []).filter((it) => it.field !== "transcript" || !clock), { isOpen: true, reveal: null }), answer.signals.length ? signalCards(answer.signals, null) : empty("No signals", "Nothing in it could be scored.")),
      el("div", { class: "stack" }, tags.length > 0 && panel("Probabilities", el("div", { class: "stack" }, tags)))),
  ];
}

/** The waveform of what was dropped, decoded by the browser. */
async function waveOf(file, buckets = 1200) {
  const context = new OfflineAudioContext(1, 1, 8000);
  const samples = (await context.decodeAudioData(await file.arrayBuffer())).getChannelData(0);
  const low = [], high = [], step = samples.length / buckets;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    let least = 1, most = -1;
    for (let place = Math.floor(bucket * step); place < Math.max(Math.floor(bucket * step) + 1, (bucket + 1) * step) && place < samples.length; place += 1) {
      least = Math.min(least, samples[place]);
      most = Math.max(most, samples[place]);
    }
    low.push(least);
    high.push(most);
  }
  return { low, high };
}
