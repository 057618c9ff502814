// The list of items: by words, id, label and probability, or likeness to one of them.

import { get } from "../api.js";
import { content, el } from "../dom.js";
import { announce, empty, failed } from "../notice.js";
import { filters, head, itemAddress, itemRow } from "../part.js";

const PAGE = 40;

export async function show({ parameters, signal }) {
  const [{ signals }, found] = await Promise.all([
    get("signals", {}, signal),
    get("items", asked(parameters), signal),
  ]);
  announce(found.items.length ? `${found.items.length} items shown` : "No item found");
  return [
    head("Items", said(parameters)),
    filters(parameters, signals.map((it) => it.name), (query) => {
      for (const kept of ["q", "like"]) if (parameters.get(kept)) query.set(kept, parameters.get(kept));
      location.hash = `/items${query.size ? `?${query}` : ""}`;
    }, { label: "harassment, piano…" }),
    parameters.get("like") && like(parameters),
    found.items.length ? list(found, parameters, signal) : none(parameters),
  ];
}

const asked = (parameters, after = null) => ({ ...Object.fromEntries(parameters), limit: PAGE, after });

function said(parameters) {
  const words = parameters.get("q");
  if (words) return ["Found by ", content(`“${words}”`)];
  return parameters.get("like") ? "The most alike first." : "The newest first. Search reads titles, texts and transcripts.";
}

function like(parameters) {
  const rest = new URLSearchParams(parameters);
  rest.delete("like");
  const id = parameters.get("like");
  return el("p", { class: "row-of" },
    el("span", { class: "tag accent" }, "like ", el("a", { href: itemAddress(id) }, content(id))),
    el("a", { href: `#/items${rest.size ? `?${rest}` : ""}` }, "All items"));
}

function list(found, parameters, signal) {
  const rows = el("ul", { class: "rows", "aria-label": "Items" }, found.items.map(itemRow));
  const more = el("button", { type: "button" }, "More");
  const foot = el("p", { class: "row-of" }, more);
  foot.hidden = !found.next;
  let { next } = found;
  more.addEventListener("click", async () => {
    more.disabled = true;
    try {
      const page = await get("items", asked(parameters, next), signal);
      const added = page.items.map(itemRow);
      rows.append(...added);
      ({ next } = page);
      foot.hidden = !next;
      added[0]?.querySelector("a").focus();
    } catch (error) {
      if (error.name !== "AbortError") foot.append(failed(error));
    } finally {
      more.disabled = false;
    }
  });
  return el("div", { class: "stack" }, rows, foot);
}

function none(parameters) {
  if (parameters.size) {
    return empty("Nothing fits", "Fewer filters or other words may find it.", el("p", {}, el("a", { href: "#/items" }, "All items")));
  }
  return empty(
    "No items yet",
    "Items appear here as soon as a worker has answered an event.",
    el("p", {}, "Send the samples with ", el("code", {}, "earmark demo"), ", or files of your own with ", el("code", {}, "earmark produce"), "."),
  );
}
