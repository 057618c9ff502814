// One dead letter: why it is one, its bytes as they are and decoded, its headers, and a second chance.

import { get, part, post, session } from "../api.js";
import { content, el, shown } from "../dom.js";
import { bytes, date, sentence } from "../format.js";
import { announce, failed, fill } from "../notice.js";
import { confirmed, facts, head, itemAddress, panel, tag } from "../part.js";
import { pageKeys } from "../keyboard.js";

export async function show({ values: [topic, partition, offset], signal }) {
  const path = `dead-letters/${part(topic)}/${partition}/${offset}`;
  const [letter, { roles }] = await Promise.all([get(path, {}, signal), session()]);
  pageKeys({ Escape: () => (location.hash = "/rejections?of=dead-letters") });
  return [
    el("p", { class: "small" }, el("a", { href: "#/rejections?of=dead-letters" }, "Dead letters")),
    head(el("span", { class: "row-of" }, titleOf(letter), letter.redriven && tag("redriven", "accent"))),
    el("p", {}, content(letter.message ?? "")),
    redrive(path, letter, roles),
    bytesOf(path, signal),
    el("div", { class: "two uneven" }, panel("Headers", Object.keys(letter.headers ?? {}).length
      ? facts(Object.entries(letter.headers), new Set(Object.keys(letter.headers)), String)
      : el("p", { class: "muted" }, "It has none.")),
    panel("Where it lies", facts([
      ["topic", topic], ["partition", Number(partition)], ["offset", Number(offset)], ["arrived", date(letter.arrived_ms)],
      ["size", letter.size_bytes === undefined ? null : bytes(letter.size_bytes)], ["fault", letter.fault], ["attempt", letter.attempt],
      ["item", letter.content_id && el("a", { href: itemAddress(letter.content_id) }, content(letter.content_id))],
    ], new Set(["topic"])))),
  ];
}

/** What it holds is shown to who asks for it: nobody has looked what of it is personal. */
function bytesOf(path, signal) {
  const place = el("div", {});
  const ask = el("button", { type: "button", on: { click: () => fill(place, async () => held(await get(path, { unmask: 1 }, signal)), { signal }) } }, "Show the bytes");
  place.append(panel("Bytes", el("div", { class: "row-of" }, ask, el("span", { class: "muted small" }, "They may hold personal data. It is logged who reads them."))));
  return place;
}

const held = (letter) => el("div", { class: "two uneven" },
  panel("Bytes", el("pre", { class: "hex", tabindex: "0", "aria-label": "The bytes in hexadecimal" }, shown(letter.hex))),
  panel("Decoded", letter.decoded
    ? el("pre", { class: "hex", tabindex: "0", "aria-label": "The event" }, shown(JSON.stringify(letter.decoded, null, 2)))
    : el("p", { class: "muted" }, content(letter.decode_error ?? "It cannot be decoded."))));

const titleOf = ({ rejection_class: name }) => (name ? sentence(name) : "Dead letter");

function redrive(path, letter, roles) {
  if (!roles.includes("operator")) {
    return el("p", { class: "muted small" }, "Sending it again needs the role operator.");
  }
  const place = el("div", { class: "row-of", "aria-live": "polite" });
  const button = el("button", { type: "button", class: "main", id: "redrive" }, letter.redriven ? "Redrive again" : "Redrive");
  button.addEventListener("click", async () => {
    if (!(await confirmed("Redrive this letter?", "Its bytes are sent to the topic that it came from, and the worker tries again.", "Redrive"))) return;
    button.disabled = true;
    try {
      const { sent } = await post(`${path}/redrive`);
      place.append(tag(sent ? "sent again" : "not sent", sent ? "accent" : "warn"));
      announce(sent ? "Sent again" : "Not sent");
    } catch (error) {
      place.append(failed(error));
      button.disabled = false;
    }
  });
  place.append(button);
  return place;
}
