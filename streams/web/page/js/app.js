// The frame of all pages: which one is shown, by the address after the #.

import { session } from "./api.js";
import { el, replace, shown as shownText } from "./dom.js";
import { number } from "./format.js";
import { pageKeys, wireKeyboard } from "./keyboard.js";
import { empty, fill } from "./notice.js";
import { wireTheme } from "./theme.js";

// the first that fits; what stands in brackets is handed over
const PAGES = [
  [/^\/items\/(.+)$/, "Item", () => import("./page/item.js")],
  [/^\/items$/, "Items", () => import("./page/search.js")],
  [/^\/stream$/, "Stream", () => import("./page/stream.js")],
  [/^\/rejections\/([^/]+)\/(\d+)\/(\d+)$/, "Dead letter", () => import("./page/dead_letter.js")],
  [/^\/rejections$/, "Rejections", () => import("./page/rejections.js")],
  [/^\/quality$/, "Quality", () => import("./page/quality.js")],
  [/^\/try$/, "Try it", () => import("./page/try.js")],
  [/^\/api$/, "API", () => import("./page/reference.js")],
  [/^(.*)$/s, "Not found", () => ({ show: lost })],
];
const STANDING_MS = 15_000;

let shown = null;

/** The address after the #, in its path and its parameters. */
function where() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  // the server has an address of its own for the API's page
  return { path: path.replace(/^\/$/, "") || (location.pathname === "/api" ? "/api" : "/items"), parameters: new URLSearchParams(query) };
}

async function route() {
  const { path, parameters } = where();
  const [pattern, name, load] = PAGES.find(([it]) => it.test(path));
  const isFirst = shown === null;
  shown?.abort.abort();
  pageKeys({});
  const abort = new AbortController();
  shown = { abort };
  mark(path);
  const main = document.getElementById("main");
  document.title = `${name} · Earmark`;
  const values = (pattern.exec(path) ?? []).slice(1).map(decoded);
  const page = el("div", { class: "page" });
  main.replaceChildren(page);
  await fill(page, async () => (await load()).show({ values, parameters, signal: abort.signal }), { signal: abort.signal });
  if (!abort.signal.aborted && !isFirst && !document.activeElement?.matches("#search")) main.focus({ preventScroll: true });
  if (!abort.signal.aborted) main.dataset.ready = path;
}

/** An address that is none of ours is said to be: it may be mistyped, or of another version. */
const lost = ({ values: [path] }) => empty("Not found", `There is no page ${shownText(path)}.`, el("p", {}, el("a", { href: "#/items" }, "All items")));

/** An address that is no encoding of anything is taken as it is. */
function decoded(value) {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function mark(path) {
  for (const link of document.querySelectorAll("#nav a")) {
    const is = path.startsWith(link.getAttribute("href").slice(1));
    if (is) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  delete document.getElementById("main").dataset.ready;
  document.getElementById("search").value = where().parameters.get("q") ?? "";
}

/** Below all pages: the version, who reads, and how far the index is behind. */
async function stand() {
  const place = document.getElementById("standing");
  try {
    const { version, user, roles, ready, indexed, problem } = await session(true);
    const behind = indexed.total - indexed.records;
    replace(
      place,
      `Earmark ${version}`, " · ", user ?? "nobody signed in", roles.length > 0 && ` (${roles.join(", ")})`, user && signOut(), " · ",
      problem ? shownText(problem) : behind > 0 ? `index ${number(behind)} records behind` : ready ? "index up to date" : "index starting",
    );
  } catch (error) {
    place.textContent = error.message;
  }
}

/** A form of its own: the server checks where it comes from. */
const signOut = () => el("form", { method: "post", action: "/logout", class: "sign-out" }, el("button", { class: "quiet" }, "Sign out"));

function wireSearch() {
  const form = document.getElementById("search-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { path, parameters } = where();
    // on the list the filters stay
    const query = path === "/items" ? parameters : new URLSearchParams();
    query.delete("q");
    query.delete("id");
    const text = document.getElementById("search").value.trim();
    if (text) query.set("q", text);
    location.hash = `/items${query.size ? `?${query}` : ""}`;
    document.getElementById("search").blur();
  });
}

function wireSkip() {
  // its address would be read as that of a page
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
}

wireKeyboard();
wireSearch();
wireSkip();
wireTheme(document.getElementById("theme"), () => document.dispatchEvent(new Event("earmark:theme")));
addEventListener("hashchange", () => {
  scrollTo(0, 0);
  route();
});
setInterval(stand, STANDING_MS);
stand();
route();
