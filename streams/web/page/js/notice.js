// What a page says while it waits, when there is nothing, and when something went wrong.

import { el, shown } from "./dom.js";

/** Three quiet lines; they appear only after a moment, so that a quick answer does not flicker. */
export function loading(what = "Loading") {
  const lines = [1, 2, 3].map(() => el("span", { class: "bone" }));
  return el("div", { class: "state waits", role: "status" }, el("span", { class: "hidden" }, `${what}…`), lines);
}

/** Nothing to show: what it is that there is none of, and what would bring some. */
export function empty(title, hint = null, ...more) {
  return el("div", { class: "state" }, el("p", { class: "state-title" }, title), hint && el("p", {}, hint), more);
}

/** An error in one sentence, with a way to try again. */
export function failed(error, again = null) {
  return el(
    "div",
    { class: "state bad", role: "alert" },
    el("p", { class: "state-title" }, title(error)),
    el("p", {}, shown(error.message)),
    error.status === 401 && el("p", {}, el("a", { href: "/login" }, "Sign in")),
    again && el("button", { type: "button", on: { click: again } }, "Try again"),
  );
}

function title(error) {
  if (error.status === 401) return "Please sign in";
  if (error.status === 403) return "This needs another role";
  if (error.status === 404) return "Not found";
  return "That did not work";
}

/** Say something to those who listen to the page. */
export function announce(text) {
  document.getElementById("announce").textContent = text;
}

/** Fill `place` with what `load` brings; what happens on the way is shown in it. True where it went well. */
export async function fill(place, load, { signal, what } = {}) {
  place.replaceChildren(loading(what));
  place.setAttribute("aria-busy", "true");
  try {
    const made = await load();
    if (signal?.aborted) return false;
    place.replaceChildren(...[made].flat(Infinity).filter(Boolean));
    return true;
  } catch (error) {
    if (error.name === "AbortError" || signal?.aborted) return false;
    if (error.status === undefined) console.error(error);
    place.replaceChildren(failed(error, () => fill(place, load, { signal, what })));
    return false;
  } finally {
    place.removeAttribute("aria-busy");
  }
}
