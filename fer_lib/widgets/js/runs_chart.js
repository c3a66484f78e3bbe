// Bars of mean accuracy with a dot for every run, as elements: bars and dots glide when a switch is thrown.
import { el, tableTwin } from "./dom.js";
import { mean, sd } from "./statistics.js";

export const SELECTIONS = [["validation", "on validation"], ["test", "on the test fold"], ["last", "last one"]];
export const UNITS = [["image", "pictures"], ["sequence", "sequences"]];
export const per = (share) => `${(100 * share).toFixed(1)} %`;

/** The options of `pairs` that occur in a field of the rows. */
export function present(pairs, rows, field) {
  return pairs.filter(([value]) => rows.some((row) => row[field] === value));
}

/** "85.1 % ± 3.2" of some accuracies. */
export function told(values) {
  if (!values.length) return "no run";
  return per(mean(values)) + (values.length > 1 ? ` ± ${(100 * sd(values)).toFixed(1)}` : "");
}

function dotTitle({ fold, seed, accuracy }) {
  return `fold ${fold}, seed ${seed}: ${per(accuracy)}`;
}

/** A chart for named groups. `show(groups, reference)`: groups [{name, rows}], reference name → accuracy or nothing. */
export function runsChart(label) {
  const body = el("div", { class: "fer-w-runs", role: "img", "aria-label": label });
  const twin = el("div");
  const lines = new Map();
  const axis = el("div", { class: "fer-w-run fer-w-axis", "aria-hidden": "true" }, el("span"), el("div", {},
    [0, 25, 50, 75, 100].map((tick) => el("span", { style: `left:${tick}%` }, `${tick} %`))), el("span"));

  function line(name) {
    if (!lines.has(name)) {
      const bar = el("div", { class: "fer-w-run-bar" }), mark = el("div", { class: "fer-w-run-mark" });
      const track = el("div", { class: "fer-w-track" }, bar, mark), value = el("span", { class: "fer-w-run-value" });
      const row = el("div", { class: "fer-w-run" }, el("span", { class: "fer-w-run-name" }, name), track, value);
      lines.set(name, { row, bar, mark, track, value, dots: [] });
    }
    return lines.get(name);
  }

  function showDots(parts, rows) {
    while (parts.dots.length > rows.length) parts.dots.pop().remove();
    while (parts.dots.length < rows.length) {
      const dot = el("i", { class: "fer-w-dot" });
      parts.dots.push(dot);
      parts.track.append(dot);
    }
    rows.forEach((row, place) => {
      const dot = parts.dots[place];
      dot.style.left = `${100 * row.accuracy}%`;
      dot.style.top = `${rows.length > 1 ? 18 + (64 * place) / (rows.length - 1) : 50}%`;
      dot.title = dotTitle(row);
    });
  }

  function show(groups, reference = {}) {
    body.replaceChildren(...groups.map(({ name, rows }) => {
      const parts = line(name), values = rows.map((row) => row.accuracy);
      parts.bar.style.width = values.length ? `${100 * mean(values)}%` : "0";
      parts.mark.hidden = !(name in reference);
      if (name in reference) parts.mark.style.left = `${100 * reference[name]}%`;
      parts.value.textContent = told(values);
      showDots(parts, rows);
      return parts.row;
    }), axis);
    body.setAttribute("aria-label", `${label}: ${groups.map(({ name, rows }) =>
      `${name} ${told(rows.map((row) => row.accuracy))}, ${rows.length} runs`).join("; ")}`);
    const open = twin.querySelector("details")?.open;
    const table = tableTwin("The runs as a table", ["run", "accuracy"],
      groups.flatMap(({ name, rows }) => rows.map((row) => [`${name}, fold ${row.fold}, seed ${row.seed}`, per(row.accuracy)])));
    table.open = Boolean(open);
    twin.replaceChildren(table);
  }
  return { element: el("div", {}, body, twin), show };
}
