// The AU lab's controls: presets, people, and a slider for each action unit. State in, one callback out.
import { el, uid } from "./dom.js";

const GROUPS = [["Brows and eyes", ["brows", "eyes"]], ["Cheeks and nose", ["cheeks", "nose"]], ["Chin, jaw, neck", ["chin", "jaw", "neck"]], ["Mouth", ["mouth"]]];
const TRAINED = 10; // degrees from the front: training pictures vary by 2.5 (standard deviation) and drift by 1.2
const LETTERS = ["", "A", "B", "C", "D", "E"];

/** FACS letter of an intensity 0–1, "" when a coder would score nothing. */
export function letter(value) {
  return LETTERS[Math.floor(value * 5 + 0.5 + 1e-6)];
}

/** AU table, Float32Array (2 × A), of {"12": 0.8, "L4": 0.5}. */
export function auTable(units, intensities) {
  const table = new Float32Array(2 * units.length);
  units.forEach(({ au }, column) => {
    for (const [side, mark] of [[0, "L"], [1, "R"]]) {
      table[side * units.length + column] = intensities[`${mark}${au}`] ?? intensities[au] ?? 0;
    }
  });
  return table;
}

/** One slider; `key` is "12", "L4" or "R4". */
function slider(key, name, side, change) {
  const id = uid("au"), out = el("output", { for: id });
  const input = el("input", { type: "range", id, min: 0, max: 100, step: 1, value: 0, oninput: () => { paint(); change(key, input.value / 100); },
    "aria-label": `AU ${key.replace(/\D/, "")}, ${name}${side ? `, ${side}` : ""}` });
  function paint() {
    const value = input.value / 100;
    out.textContent = value ? `${letter(value)} ${input.value}`.trim() : "";
    input.style.setProperty("--filled", `${input.value}%`);
    input.setAttribute("aria-valuetext", `${input.value} %${letter(value) ? `, intensity ${letter(value)}` : ""}`);
  }
  paint();
  const set = (value) => { if (+input.value !== Math.round(100 * value)) { input.value = Math.round(100 * value); paint(); } };
  return { element: el("div", { class: "fer-lab-slider" }, side ? el("span", { class: "fer-lab-side", "aria-hidden": "true" }, side[0].toUpperCase()) : null, input, out), set };
}

/** Sliders of all AUs, grouped by place, those of the alignment first. `change(key, value)`; `set(intensities, split)` shows a state. */
export function sliders(units, change) {
  const holder = el("div");
  let shown = null, parts = {};
  function build(split) {
    shown = split;
    parts = {};
    const row = (unit) => {
      const keys = split && unit.sides ? [[`L${unit.au}`, "left"], [`R${unit.au}`, "right"]] : [[`${unit.au}`, ""]];
      return el("div", { class: "fer-lab-au", title: unit.muscles.join(", ") },
        el("span", { class: "fer-lab-name" }, el("b", {}, `${unit.au}`), ` ${unit.name}`),
        keys.map(([key, side]) => (parts[key] = slider(key, unit.name, side, change)).element));
    };
    const group = ([title, regions], wanted) => {
      const own = units.filter((unit) => regions.includes(unit.region) && unit.common === wanted);
      return own.length ? el("section", {}, el("h4", {}, title), own.map(row)) : null;
    };
    const groups = (wanted) => el("div", { class: "fer-lab-groups" }, GROUPS.map((each) => group(each, wanted)));
    holder.replaceChildren(groups(true),
      el("details", { class: "fer-lab-more" }, el("summary", {}, "More action units"), groups(false)));
  }
  return { element: holder, set: (intensities, split) => {
    if (split !== shown) {
      const opened = holder.querySelector("details")?.open;
      build(split);
      holder.querySelector("details").open = Boolean(opened);
    }
    for (const [key, part] of Object.entries(parts)) {
      const au = key.replace(/\D/, ""), values = [intensities[`L${au}`] ?? intensities[au] ?? 0, intensities[`R${au}`] ?? intensities[au] ?? 0];
      part.set(key[0] === "L" ? values[0] : key[0] === "R" ? values[1] : Math.max(...values));
    }
  } };
}

/** A row of buttons, one of them pressed. `options`: [value, content, name?]. */
export function buttons(label, options, changed, kind = "fer-lab-chips") {
  const made = options.map(([value, content, name]) => [value, el("button", { type: "button", "aria-pressed": "false",
    "aria-label": name ?? false, title: name ?? false, onclick: () => changed(value) }, content)]);
  const element = el("div", { class: kind, role: "group", "aria-label": label }, made.map(([, button]) => button));
  return { element, set: (value) => made.forEach(([own, button]) => button.setAttribute("aria-pressed", String(own === value))) };
}

/** A person in words. */
export function described(person) {
  return `Person ${person.number + 1}: ${person.gender}, ${Math.round(person.age)} years, ${person.descent} descent`;
}

/** A pose in words, with a warning beyond what the training pictures show. */
export function turned([yaw, pitch]) {
  const words = [[yaw, "right", "left"], [pitch, "up", "down"]].filter(([angle]) => angle)
    .map(([angle, more, less]) => `${Math.abs(angle)}° ${angle > 0 ? more : less}`).join(", ");
  return words ? words + (Math.hypot(yaw, pitch) > TRAINED ? ": far beyond the training pictures" : "") : "drag to turn";
}
