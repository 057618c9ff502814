// The player: waveform, spectrogram and the lanes of the time line under one playhead.

import { el, replace } from "../dom.js";
import { place } from "../format.js";
import { lanes } from "./lane.js";

const STEP_S = 5;
const LEAP_S = 30;
const RATES = [1, 1.25, 1.5, 2];
const KEYS = {
  ArrowLeft: (clock) => clock.by(-STEP_S), ArrowRight: (clock) => clock.by(STEP_S),
  PageDown: (clock) => clock.by(-LEAP_S), PageUp: (clock) => clock.by(LEAP_S),
  Home: (clock) => clock.seek(0), End: (clock) => clock.seek(clock.duration),
};

/**
 * `wave`: a promise of {low, high}, or null. `spectrogram`: an address, or null. `timeline`: its lanes,
 * and `more`, a promise of all of them, for those that are measured as the sound is drawn.
 */
export function player(clock, { wave = null, spectrogram = null, timeline = [], more = null }) {
  const head = el("div", { class: "playhead", "aria-hidden": "true" });
  const over = el("div", { class: "tracks-over", "aria-hidden": "true" }, head);
  const drawn = el("div", { class: "drawn" },
    wave && waveform(clock, wave),
    spectrogram && picture(spectrogram));
  const known = el("div", { class: "lanes" }, lanes(timeline, clock));
  const slider = sliderOf(clock, drawn);
  const tracks = el("div", { class: "tracks" },
    el("div", { class: "lane lane-drawn" }, el("span", { class: "lane-name" }, "sound"), slider),
    known, over);
  more?.then((all) => all && replace(known, lanes(all, clock))).catch((error) => error.name === "AbortError" || console.warn(error.message));
  clock.follow((now) => tracks.style.setProperty("--at", clock.duration ? now / clock.duration : 0));
  clock.addEventListener("state", () => tracks.style.setProperty("--at", clock.duration ? clock.now / clock.duration : 0));
  return el("section", { class: "panel player", "aria-label": "Player" }, controls(clock), tracks);
}

function controls(clock) {
  const play = el("button", { type: "button", class: "play main", "aria-label": "Play", on: { click: () => clock.toggle() } }, "▶");
  const said = el("span", { class: "time" });
  const trouble = el("span", { class: "tag bad", role: "status" });
  trouble.hidden = true;
  const show = () => {
    play.textContent = clock.playing ? "❚❚" : "▶";
    play.setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    trouble.hidden = !clock.audio.error;
    if (clock.audio.error) trouble.textContent = "this browser cannot play it";
  };
  clock.addEventListener("state", show);
  clock.follow((now) => replace(said, el("strong", {}, place(now, true)), ` / ${place(clock.duration)}`));
  clock.addEventListener("state", () => replace(said, el("strong", {}, place(clock.now, true)), ` / ${place(clock.duration)}`));
  return el("div", { class: "controls" },
    play,
    el("button", { type: "button", class: "quiet", "aria-label": "Five seconds back", on: { click: () => clock.by(-STEP_S) } }, "−5 s"),
    el("button", { type: "button", class: "quiet", "aria-label": "Five seconds on", on: { click: () => clock.by(STEP_S) } }, "+5 s"),
    said, trouble,
    el("select", { class: "rate", "aria-label": "Speed", on: { change: (event) => (clock.audio.playbackRate = Number(event.target.value)) } },
      RATES.map((rate) => el("option", { value: rate }, `${rate}×`))));
}

/** What is drawn of the sound, as one control: drag, click, arrows. */
function sliderOf(clock, drawn) {
  const slider = el("div", {
    class: "lane-body slider", role: "slider", tabindex: "0", id: "place", "aria-label": "Place in the recording",
    "aria-valuemin": "0", "aria-valuemax": clock.duration.toFixed(1),
  }, drawn);
  let told = -1;
  clock.follow((now) => {
    // in steps of a second: each is read aloud where the slider has the focus
    if (Math.floor(now) === told && clock.playing) return;
    told = Math.floor(now);
    slider.setAttribute("aria-valuenow", now.toFixed(1));
    slider.setAttribute("aria-valuetext", `${place(now)} of ${place(clock.duration)}`);
  });
  slider.addEventListener("keydown", (event) => {
    const act = KEYS[event.key] ?? (event.key === " " ? () => clock.toggle() : null);
    if (!act) return;
    event.preventDefault();
    act(clock);
  });
  const seek = (event) => {
    const { left, width } = slider.getBoundingClientRect();
    clock.seek(((event.clientX - left) / width) * clock.duration);
  };
  slider.addEventListener("pointerdown", (event) => {
    slider.setPointerCapture(event.pointerId);
    seek(event);
  });
  slider.addEventListener("pointermove", (event) => event.buttons === 1 && seek(event));
  return slider;
}

function picture(address) {
  const image = el("img", { class: "spectrogram", src: address, alt: "Spectrogram", draggable: "false", height: "110" });
  image.addEventListener("error", () => image.remove());
  return image;
}

/** The waveform, twice: what is still to come, and over it what was heard, as wide as that is. */
function waveform(clock, wave) {
  const rest = el("canvas", { class: "wave-rest" });
  const heard = el("canvas", { class: "wave-heard" });
  const waits = el("span", { class: "muted small" }, "drawing the sound…");
  const box = el("div", { class: "wave", "aria-hidden": "true" }, rest, heard, waits);
  let data = null;
  const draw = () => {
    if (!data || !box.isConnected) return;
    for (const canvas of [rest, heard]) drawWave(canvas, data);
  };
  wave.then((found) => {
    data = found;
    waits.remove();
    draw();
  }).catch((error) => {
    if (error.name !== "AbortError") replace(box, el("span", { class: "muted small" }, "no waveform"));
  });
  new ResizeObserver(draw).observe(box);
  document.addEventListener("earmark:theme", draw);
  return box;
}

function drawWave(canvas, { low, high }) {
  const ratio = devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  if (!width) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(canvas).color;
  const middle = canvas.height / 2, count = high.length;
  const most = Math.max(0.05, ...high.map(Math.abs), ...low.map(Math.abs));
  for (let x = 0; x < canvas.width; x += 1) {
    const from = Math.floor((x / canvas.width) * count);
    const to = Math.max(from + 1, Math.floor(((x + 1) / canvas.width) * count));
    const top = Math.max(...high.slice(from, to)) / most, bottom = Math.min(...low.slice(from, to)) / most;
    const y = middle - top * middle * 0.94;
    context.fillRect(x, y, 1, Math.max(ratio, middle - bottom * middle * 0.94 - y));
  }
}
