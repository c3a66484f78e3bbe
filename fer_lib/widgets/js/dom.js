// Small helpers to build a widget's elements: named, reachable by keyboard, sharp on every screen.

const OWN = Math.random().toString(36).slice(2, 8); // notebooks load this file once for every widget
let numbers = 0;
export function uid(stem = "fer-w") {
  return `${stem}-${OWN}-${++numbers}`;
}

/** Whether a key belongs to the browser: Ctrl and + makes the page larger. */
export function withCommand(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/** An element: attributes (on… are listeners, false and null are left out), then children (strings or nodes). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The widget's own root inside the host's element: class "fer-w", a name, and its keys kept from JupyterLab. */
export function frame(host, name) {
  const root = el("section", { class: "fer-w", "aria-label": name });
  root.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab would swallow arrow keys
  host.replaceChildren(root);
  return root;
}

/** Makes headings for a widget, one level below the heading it stands under: `title("Text")`, `title("Part", 1)`. */
export function titles(host) {
  const before = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((each) =>
    !each.closest(".fer-w") && each.compareDocumentPosition(host) & Node.DOCUMENT_POSITION_FOLLOWING);
  const above = before.length ? Number(before.at(-1).tagName[1]) : 2;
  return (text = "", depth = 0) => el(`h${Math.min(6, above + 1 + depth)}`, { class: depth ? "fer-w-part" : "fer-w-title" }, text);
}

/** A labelled <select>. `options`: [value, text] pairs. */
export function choice(label, options, value, changed) {
  const select = el("select", { onchange: () => changed(select.value) },
    options.map(([each, text]) => el("option", { value: each, selected: String(each) === String(value) }, text)));
  return { element: el("label", { class: "fer-w-field" }, el("span", {}, label), select), select };
}

/** A row of radio buttons that look like one switch. `options`: [value, text] pairs. */
export function segments(label, options, value, changed) {
  const group = uid("segments");
  const inputs = options.map(([each, text]) => {
    const input = el("input", { type: "radio", name: group, value: each, checked: String(each) === String(value),
      onchange: () => input.checked && changed(each) });
    return [input, el("label", {}, input, el("span", {}, text))];
  });
  const element = el("fieldset", { class: "fer-w-segments" }, el("legend", {}, label),
    el("div", {}, inputs.map(([, shown]) => shown)));
  return { element, set: (each) => inputs.forEach(([input]) => { input.checked = input.value === String(each); }) };
}

/** A polite live region and the function that speaks through it. */
export function speaker() {
  const element = el("p", { class: "fer-w-quiet", "aria-live": "polite" });
  return { element, say: (text) => { element.textContent = text; } };
}

/** Replace what a holder shows. Tables that stood open stay open, and a summary that had the focus keeps it. */
export function renew(holder, ...children) {
  const before = [...holder.querySelectorAll("details")], open = before.map((each) => each.open);
  const focused = before.findIndex((each) => each.querySelector("summary").matches(":focus"));
  holder.replaceChildren(...children);
  holder.querySelectorAll("details").forEach((each, k) => {
    each.open = Boolean(open[k]);
    if (k === focused) each.querySelector("summary").focus();
  });
}

/** A picture's table twin, folded. `rows`: lists of cells; the first cell of each row is its header. */
export function tableTwin(summary, headers, rows) {
  const body = rows.map(([first, ...rest]) =>
    el("tr", {}, el("th", { scope: "row" }, String(first)), rest.map((cell) => el("td", {}, String(cell)))));
  return el("details", { class: "fer-w-twin" }, el("summary", {}, summary),
    el("div", { class: "fer-w-scroll", tabindex: "0", role: "region", "aria-label": summary },
      el("table", {}, el("thead", {}, el("tr", {}, headers.map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, body))));
}

/** A canvas as wide as its place, `height` px high (a number, or a function of the width), redrawn when that changes.
    `draw(context, width, height)` works in CSS pixels. */
export function sharpCanvas(height, draw, attributes = {}) {
  const canvas = el("canvas", { ...attributes });
  const high = typeof height === "function" ? height : () => height;
  let width = 0;
  function redraw() {
    if (!width) return;
    const ratio = globalThis.devicePixelRatio || 1, tall = high(width);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(tall * ratio);
    canvas.style.height = `${tall}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    draw(context, width, tall);
  }
  const holder = el("div", { class: "fer-w-canvas" }, canvas);
  const watch = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now !== width) { width = now; redraw(); }
  });
  watch.observe(holder);
  return { element: holder, canvas, redraw, stop: () => watch.disconnect() };
}

/** What a reader sees when something is missing: never a blank place. */
export function failure(error) {
  return el("p", { class: "fer-w-error", role: "alert" }, String(error?.message ?? error));
}

/** Whether the reader asked for less motion. */
export function calm() {
  return globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
}
