// Asks the API under /api/v1, and says in one sentence what went wrong.

const BASE = "/api/v1";

/** What the server, or the way to it, refused. `status` is 0 where no answer came. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let asked = null;

/** Who reads, and what they may do; asked once, and again after `forget`. */
export function session(forget = false) {
  if (forget || asked === null) {
    asked = get("session");
    asked.catch(() => (asked = null));
  }
  return asked;
}

/** The address of a resource; null and empty parameters are left out. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.append(name, value);
  }
  return `${BASE}/${path}${query.size ? `?${query}` : ""}`;
}

/** Ids have slashes: each part of a path is encoded by itself. */
export const part = encodeURIComponent;

export function get(path, parameters = {}, signal = undefined) {
  return ask(address(path, parameters), { signal });
}

/** `body` is a FormData, or what becomes JSON. */
export async function post(path, body = null, signal = undefined) {
  const { csrf } = await session();
  const headers = { "X-CSRF-Token": csrf };
  if (body !== null && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  return ask(address(path), { method: "POST", headers, body, signal });
}

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The server does not answer. Is `earmark web` still running?");
  }
  if (!answer.ok) throw new ApiError(answer.status, await reason(answer));
  return answer.json();
}

async function reason(answer) {
  try {
    return (await answer.json()).error ?? answer.statusText;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}
