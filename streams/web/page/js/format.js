// Numbers, times and names as people read them.

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const MOMENT = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const SPANS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

export const date = (ms) => (ms === null || ms === undefined ? "" : DATE.format(ms));
export const day = (ms) => DAY.format(ms);
export const hour = (ms) => HOUR.format(ms);
export const moment = (ms) => MOMENT.format(ms);
export const clock = (ms) => (ms === null || ms === undefined ? "" : CLOCK.format(ms));

/** How long ago, in the largest unit that fits. */
export function ago(ms) {
  if (ms === null || ms === undefined) return "";
  const seconds = (ms - Date.now()) / 1000;
  const [unit, length] = SPANS.find(([, it]) => Math.abs(seconds) >= it) ?? ["second", 1];
  return AGO.format(Math.round(seconds / length), unit);
}

/** A place in a recording: 1:02:03, and with tenths where `fine`. */
export function place(seconds, fine = false) {
  if (!Number.isFinite(seconds)) return "–";
  const tenths = fine ? Math.floor(seconds * 10) / 10 : Math.floor(seconds);
  const hours = Math.floor(tenths / 3600);
  const minutes = Math.floor(tenths / 60) % 60;
  const rest = (tenths % 60).toFixed(fine ? 1 : 0).padStart(fine ? 4 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** A number with as many digits as mean something. */
export function number(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString();
  const size = Math.abs(value);
  if (size !== 0 && size < 0.0005) return value.toExponential(1);
  return value.toLocaleString(undefined, { maximumFractionDigits: size >= 100 ? 1 : size >= 10 ? 2 : 3 });
}

/** A share in percent; a digit more where it is small. */
export function percent(share) {
  const isFine = share > 0 && share < 0.0995;
  return `${(share * 100).toFixed(isFine ? 1 : 0)} %`;
}

export function bytes(count) {
  if (count < 1024) return `${count} B`;
  return count < 1_048_576 ? `${(count / 1024).toFixed(1)} kB` : `${(count / 1_048_576).toFixed(1)} MB`;
}

/** `speech_share` as "speech share". */
export const words = (name) => String(name).replaceAll("_", " ");

/** `MEDIA_HASH_MISMATCH` as "Media hash mismatch". */
export function sentence(name) {
  const said = words(name).toLowerCase();
  return said.charAt(0).toUpperCase() + said.slice(1);
}

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
