// The transcript: it follows the playhead, seeks where it is clicked, and marks what is unsafe.

import { el, shown } from "../dom.js";
import { place } from "../format.js";
import { panel } from "../part.js";
import { rove } from "./lane.js";

const PAUSE_S = 0.9;
const LONG = 90; // letters: then the next end of a sentence ends the line
const MOST_LINES = 3000;

/** `said`: the words of the time line, each {start_s, end_s, text, unsafe}. */
export function transcript(said, clock, isMasked) {
  const lines = linesOf(said).slice(0, MOST_LINES);
  const rows = lines.map((line, rank) => row(line, rank, clock));
  const list = el("ol", { class: "transcript", "aria-label": "Transcript" }, rows);
  const times = rows.map((it) => it.querySelector("button"));
  list.addEventListener("keydown", (event) => rove(event, times));
  follow(lines, rows, list, clock);
  return panel("Transcript",
    el("p", { class: "lead" }, "Click a line to hear it", isMasked ? "; personal data is masked." : "."), list);
}

/** Words in lines: a pause, or the end of a sentence in a long one, begins the next. */
function linesOf(said) {
  const lines = [];
  let now = [], letters = 0;
  for (const word of said) {
    const before = now.at(-1);
    const isOwn = word.text.trim().includes(" ");
    const isLong = letters > LONG && /[.!?…。]$/.test(before?.text.trim() ?? "");
    if (before && (isOwn || before.text.trim().includes(" ") || word.start_s - before.end_s > PAUSE_S || isLong)) {
      lines.push(now);
      [now, letters] = [[], 0];
    }
    now.push(word);
    letters += word.text.length;
  }
  if (now.length) lines.push(now);
  return lines.map((words) => ({ words, start: words[0].start_s, end: words.at(-1).end_s }));
}

function row(line, rank, clock) {
  const isUnsafe = line.words.some((it) => it.unsafe);
  const item = el("li", { class: isUnsafe ? "unsafe" : null },
    el("button", { type: "button", class: "at", tabindex: rank ? "-1" : "0", "aria-label": `Play from ${place(line.start)}`, on: { click: () => clock.seek(line.start) } }, place(line.start)),
    el("span", { class: "said", dir: "auto" }, line.words.map((word) => {
      const text = `${shown(word.text.trim())} `;
      return el(word.unsafe ? "mark" : "span", { class: word.unsafe ? "word unsafe" : "word", title: word.unsafe ? "marked unsafe" : null, data: { start: word.start_s } }, text);
    })),
    isUnsafe && el("span", { class: "hidden" }, "marked unsafe"));
  item.addEventListener("click", (event) => {
    if (event.target.closest("button") || String(getSelection())) return;
    clock.seek(Number(event.target.dataset.start ?? line.start));
  });
  return item;
}

function follow(lines, rows, list, clock) {
  let shownLine = -1, lit = null;
  clock.follow((now) => {
    const at = now > 0 || clock.playing ? lines.findLastIndex((line) => now >= line.start - 0.05) : -1;
    if (at !== shownLine) {
      rows[shownLine]?.classList.remove("now");
      rows[at]?.classList.add("now");
      if (at >= 0 && clock.playing) into(list, rows[at]);
      shownLine = at;
    }
    const word = at < 0 ? -1 : lines[at].words.findLastIndex((it) => now >= it.start_s - 0.05);
    const next = word < 0 ? null : rows[at].querySelectorAll(".word")[word];
    if (next !== lit) {
      lit?.classList.remove("now");
      next?.classList.add("now");
      lit = next;
    }
  });
}

/** Only the list scrolls: the page stays where the reader has it. */
function into(list, row) {
  const above = row.offsetTop - list.offsetTop;
  if (above < list.scrollTop || above + row.offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = above - list.clientHeight / 3;
  }
}
