// The API, as its own description has it.

import { get } from "../api.js";
import { el } from "../dom.js";
import { head, panel, table, tag } from "../part.js";

const METHODS = ["get", "post", "put", "delete"];

export async function show({ signal }) {
  const api = await get("openapi.json", {}, signal);
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths ?? {})) {
    for (const method of METHODS.filter((it) => methods[it])) {
      const operation = methods[method];
      const group = operation.tags?.[0] ?? path.replace(/^\/api\/v1/, "").split("/")[1] ?? "";
      groups.set(group, [...(groups.get(group) ?? []), { path, method, operation, shared: methods.parameters ?? [] }]);
    }
  }
  return [
    head("API", el("span", {}, prose(api.info?.description ?? "What these pages show, as JSON."), " ", el("a", { href: "/api/v1/openapi.json" }, "openapi.json"), ` (${api.openapi}, version ${api.info?.version ?? ""})`)),
    el("div", { class: "stack" }, [...groups].map(([name, operations]) => panel(name, el("div", { class: "operations" }, operations.map((it) => operation(it, api)))))),
  ];
}

function operation({ path, method, operation: it, shared }, api) {
  const parameters = [...shared, ...(it.parameters ?? [])].map((one) => resolved(one, api));
  const body = it.requestBody && resolved(it.requestBody, api);
  return el("details", { class: "operation" },
    el("summary", {}, tag(method.toUpperCase(), method === "get" ? "" : "accent"), el("code", {}, path), el("span", { class: "muted" }, prose(it.summary))),
    el("div", { class: "stack" },
      it.description && it.description !== it.summary && el("p", {}, prose(it.description)),
      parameters.length > 0 && table(`Parameters of ${path}`, [["parameter"], ["in"], ["type"], ["what it is"]], parameters.map((one) => [
        el("code", {}, one.name + (one.required ? " *" : "")), one.in, typeOf(one.schema, api), el("span", {}, prose(one.description))])),
      body && el("p", {}, "Body: ", Object.keys(body.content ?? {}).join(" or "), body.description ? `. ${body.description}` : ""),
      el("div", { class: "stack tight" }, Object.entries(it.responses ?? {}).map(([status, one]) => response(status, resolved(one, api), api))),
      method === "get" && !path.includes("{") && !path.endsWith("/stream") && el("p", {}, el("a", { href: path }, "Open"))));
}

function response(status, one, api) {
  const [type, said] = Object.entries(one.content ?? {})[0] ?? [];
  const schema = said?.schema && resolved(said.schema, api);
  return el("details", {}, el("summary", {}, `${status} ${one.description ?? ""}`, type ? ` · ${type}` : ""),
    schema ? el("pre", { class: "json", tabindex: "0", "aria-label": `Schema of the answer ${status}` }, JSON.stringify(schema, null, 2)) : el("p", { class: "muted small" }, "No body."));
}

/** A sentence with what stands between backticks as code. */
const prose = (text) => String(text ?? "").split("`").map((piece, rank) => (rank % 2 ? el("code", {}, piece) : piece));

/** What a reference stands for. */
function resolved(value, api) {
  if (!value?.$ref) return value;
  return value.$ref.replace(/^#\//, "").split("/").reduce((it, name) => it?.[name.replaceAll("~1", "/").replaceAll("~0", "~")], api) ?? {};
}

function typeOf(schema, api) {
  const it = resolved(schema ?? {}, api);
  if (it.enum) return it.enum.join(", ");
  const type = [it.type ?? ""].flat().join(" or ");
  return it.default === undefined ? type : `${type}, else ${it.default}`;
}
