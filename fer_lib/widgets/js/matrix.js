// Filters × AUs as a matrix on a canvas: one cell chosen by mouse or arrow keys, rows sorted by strength or by one AU.
import { el, sharpCanvas, withCommand } from "./dom.js";
import { diverging, palette, sequential } from "./colours.js";

const LEFT = 44, ROW = 15;
export const METRICS = {
  auroc: { name: "AUROC", middle: 0.5, told: (v) => v.toFixed(2) },
  kl: { name: "the paper's KL", middle: null, told: (v) => v.toFixed(2) },
  kl_excess: { name: "excess KL", middle: 0, told: (v) => v.toFixed(2) },
  average_precision: { name: "average precision", middle: null, told: (v) => v.toFixed(2) },
  pearson: { name: "r", middle: 0, told: (v) => v.toFixed(2) },
  partial_r: { name: "partial r", middle: 0, told: (v) => v.toFixed(2) },
};

/** Cell colours of a metric over all its values: from the middle outwards, or from 0 up. */
export function scale(metric, values) {
  const finite = values.filter(Number.isFinite), { middle } = METRICS[metric];
  if (middle === null) { const top = Math.max(...finite); return (v) => sequential(v / top); }
  const reach = Math.max(...finite.map((v) => Math.abs(v - middle)));
  return (v) => diverging((v - middle) / reach);
}

/** `read()`: {metric, filters (order shown), value(f, au), filter, au}; `chosen(f, au)` and `sorted(au)` are called. */
export function matrixView(aus, read, chosen, sorted) {
  const made = sharpCanvas(() => read().filters.length * ROW, (context, width) => {
    const { metric, filters, value, filter, au } = read(), colours = palette(made.canvas);
    const wide = (width - LEFT) / aus.length, all = filters.flatMap((f) => aus.map((_, k) => value(f, k)));
    const colour = scale(metric, all);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "right";
    filters.forEach((f, line) => {
      context.fillStyle = f === filter ? colours.second : colours.muted;
      context.fillText(String(f), LEFT - 8, (line + 0.5) * ROW);
      aus.forEach((_, k) => {
        context.fillStyle = colour(all[line * aus.length + k]);
        context.fillRect(LEFT + k * wide, line * ROW, wide - 0.5, ROW - 0.5);
      });
    });
    const line = filters.indexOf(filter);
    if (line < 0 || au < 0) return;
    context.strokeStyle = colours.ink;
    context.lineWidth = 2.5;
    context.strokeRect(LEFT + au * wide, line * ROW, wide, ROW);
  }, { tabindex: "0", role: "application", "aria-roledescription": "matrix", "aria-label": "Filters by action units" });

  function go(event, f, au) {
    event.preventDefault();
    const { filters } = read(), box = made.element.parentElement, top = filters.indexOf(f) * ROW;
    chosen(f, au);
    if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 60) box.scrollTop = top - box.clientHeight / 2;
  }
  made.canvas.addEventListener("click", (event) => {
    const { filters } = read(), wide = (made.canvas.clientWidth - LEFT) / aus.length;
    const au = Math.floor((event.offsetX - LEFT) / wide), f = filters[Math.floor(event.offsetY / ROW)];
    if (au >= 0 && f !== undefined) chosen(f, au);
  });
  made.canvas.addEventListener("keydown", (event) => {
    const { filters, filter, au } = read(), line = filters.indexOf(filter);
    const move = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], PageDown: [15, 0],
      PageUp: [-15, 0], Home: [-line, 0], End: [filters.length, 0] }[event.key];
    if (!move || withCommand(event)) return;
    const within = (place, last) => Math.max(0, Math.min(last, place));
    go(event, filters[within(line + move[0], filters.length - 1)], within(au + move[1], aus.length - 1));
  });
  const heads = aus.map(({ au, name }, k) => el("button", { type: "button", title: `AU ${au} ${name}: sort by it`,
    "aria-label": `Sort by AU ${au}, ${name}`, "aria-pressed": "false", onclick: () => sorted(k) }, String(au)));
  const element = el("div", { class: "fer-w-matrix" },
    el("div", { class: "fer-w-heads", style: `grid-template-columns: repeat(${aus.length}, 1fr)` }, heads), made.element);
  const press = (au) => heads.forEach((head, k) => head.setAttribute("aria-pressed", String(k === au)));
  return { ...made, element, press };
}
