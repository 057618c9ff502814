// Makes elements. Content reaches the page here and only as text: nothing is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "open", "hidden", "tabIndex"]);

/** An element. `on` are listeners, `style` and `data` objects; null children are left out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) set(element, name, value);
  }
  put(element, children);
  return element;
}

function set(element, name, value) {
  if (name === "class") element.setAttribute("class", value);
  else if (name === "on") for (const [kind, act] of Object.entries(value)) element.addEventListener(kind, act);
  else if (name === "data") Object.assign(element.dataset, value);
  // the policy forbids style attributes, and not this
  else if (name === "style") for (const [key, it] of Object.entries(value)) element.style.setProperty(key, it);
  else if (PROPERTIES.has(name)) element[name] = value;
  else element.setAttribute(name, value === true ? "" : value);
}

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Give the element these children and no others. */
export function replace(element, ...children) {
  element.replaceChildren();
  put(element, children);
  return element;
}

// what is not seen or turns the direction of reading; one for one, so that spans still fit
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Content as it can be shown: what could steer how the page is read is replaced, letter by letter. */
export function shown(text) {
  return String(text ?? "").replace(UNSEEN, "\ufffd");
}

/** Content inside a sentence of ours, without a say in the direction of the rest. */
export function content(text, attributes = {}) {
  return el("bdi", attributes, shown(text));
}
