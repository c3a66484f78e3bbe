// What the network makes of the picture: its input, class probabilities, filters, and which AUs carry the verdict.
import { el, tableTwin } from "./dom.js";

const PATCH = 32, STRIDE = 4, BEFORE = 14; // conv3's receptive field, px (fer_lib/interpret/receptive.py)

/** A probability for readers: never a flat 0 or 100 % that it is not. */
export function percent(share) {
  if (share > 0 && share < 0.005) return "<\u00a01\u00a0%";
  return share >= 0.995 && share < 1 ? ">\u00a099\u00a0%" : `${Math.round(100 * share)}\u00a0%`;
}

function points(change) {
  const size = Math.abs(100 * change);
  return `${change < 0 ? "−" : "+"}${size < 1 ? size.toFixed(1) : Math.round(size)}`;
}

/** Grey values → a canvas's pixels; `level` maps a value to 0–255. */
export function paint(canvas, values, size, level) {
  canvas.width = canvas.height = size;
  const image = new ImageData(size, size), { data } = image;
  values.forEach((value, i) => {
    data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = level(value);
    data[4 * i + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Signed values → grey around the middle, the largest at full contrast. */
export function signed(values) {
  const top = Math.max(1e-9, values.reduce((most, value) => Math.max(most, Math.abs(value)), 0));
  return (value) => 127.5 + 127.5 * value / top;
}

/** The picture before and after the local mean, with numbered fields of the filters. */
export function inputs(size) {
  const grey = el("canvas", { class: "fer-w-pixels", role: "img",
    "aria-label": "Grey picture of the face with the fields of the filters below" });
  const normalised = el("canvas", { class: "fer-w-pixels", role: "img",
    "aria-label": "The same picture after subtracting each pixel's 5 by 5 mean" });
  const marks = el("div", { class: "fer-lab-marks", "aria-hidden": "true" });
  const element = el("div", { class: "fer-lab-inputs" },
    el("figure", {}, el("div", { class: "fer-lab-picture" }, grey, marks), el("figcaption", {}, `The picture, ${size} × ${size}`)),
    el("figure", {}, normalised, el("figcaption", {}, "As the network gets it: local mean taken out")));
  return {
    element,
    show: (picture, input) => {
      paint(grey, picture, size, (value) => value);
      paint(normalised, input, size, signed(input));
    },
    mark: (places) => marks.replaceChildren(...places.map((place, i) => {
      const [left, top] = [place % (size / STRIDE), Math.floor(place / (size / STRIDE))].map((at) => STRIDE * at - BEFORE);
      const box = el("span", {}, `${i + 1}`);
      const [x0, y0, x1, y1] = [left, top, left + PATCH, top + PATCH].map((at) => 100 * Math.min(size, Math.max(0, at)) / size);
      Object.assign(box.style, { left: `${x0}%`, top: `${y0}%`, width: `${x1 - x0}%`, height: `${y1 - y0}%` });
      return box;
    })),
  };
}

/** Bars of the classes' probabilities. */
export function verdict(emotions) {
  const headline = el("p", { class: "fer-lab-headline" });
  const rows = emotions.map((name) => {
    const bar = el("span", { class: "fer-lab-fill" }), value = el("span", { class: "fer-lab-value" });
    return { bar, value, element: el("div", { class: "fer-lab-row" }, el("span", {}, name), el("span", { class: "fer-lab-track" }, bar), value) };
  });
  const element = el("div", { class: "fer-lab-verdict", role: "group", "aria-label": "Class probabilities" }, headline, rows.map((row) => row.element));
  return { element, show: (probabilities) => {
    const best = probabilities.indexOf(Math.max(...probabilities));
    headline.replaceChildren("The network says ", el("strong", {}, emotions[best]), `, ${percent(probabilities[best])}`);
    rows.forEach(({ bar, value, element: row }, i) => {
      bar.style.width = `${100 * probabilities[i]}%`;
      value.textContent = percent(probabilities[i]);
      row.classList.toggle("fer-lab-best", i === best);
    });
  } };
}

/** The filters that answer most, against their own usual strength on the probe faces. */
export function strongest(best, typical, count = 6) {
  const strength = Array.from(best, (value, filter) => value / Math.max(typical[filter], 1e-6));
  const order = [...strength.keys()].filter((filter) => best[filter] > 0 && typical[filter] > 1e-3);
  return order.sort((a, b) => strength[b] - strength[a]).slice(0, count).map((filter) => ({ filter, strength: strength[filter] }));
}

/** A filter's name: [title, how sure]. */
export function nameOf({ au, auroc, agree }, units) {
  if (au === null) return ["no name", "silent on the probe faces"];
  const unit = units.find((each) => each.au === au);
  const score = `AUROC ${auroc.toFixed(2)}`;
  return agree ? [`AU ${au} ${unit.name}`, score] : ["no settled name", `AU ${au}? ${score}`];
}

/** Cards of filters with their decoded patches. */
export function filterCards(units, names) {
  const element = el("ol", { class: "fer-lab-filters" });
  return { element, show: (chosen, patches) => element.replaceChildren(...chosen.map(({ filter, strength }, i) => {
    const [title, sure] = nameOf(names.filters[filter], units), canvas = el("canvas", { class: "fer-w-pixels", role: "img",
      "aria-label": `What excites filter ${filter} here, decoded` });
    paint(canvas, patches[i], PATCH, signed(patches[i]));
    return el("li", {}, canvas, el("div", {}, el("b", {}, title), el("span", {}, sure),
      el("span", {}, `filter ${filter} · ${percent(strength)} of its usual top`)));
  })) };
}

/** Which AUs carry the verdict: change of the winning class when one is taken away. */
export function reasons() {
  const list = el("div", { class: "fer-lab-why" });
  return { element: list, show: (emotion, rows, done) => {
    if (!rows.length) {
      list.replaceChildren(el("p", { class: "fer-w-note" }, done ? "No action unit is set: nothing to take away." : "Taking the action units away, one at a time …"));
      return;
    }
    const most = Math.max(0.05, ...rows.map((row) => Math.abs(row.change)));
    list.replaceChildren(...rows.map(({ au, name, change, now }) => el("div", { class: "fer-lab-row" },
      el("span", {}, el("b", {}, `without ${au}`), ` ${name}`),
      el("span", { class: "fer-lab-track" }, el("span", { class: `fer-lab-fill ${change > 0 ? "fer-lab-up" : ""}`, style: `width:${100 * Math.abs(change) / most}%` })),
      el("span", { class: "fer-lab-value" }, points(change),
        now === emotion ? "" : el("small", {}, ` → ${now}`)))));
  } };
}

/** The table twin of everything shown. */
export function twin(emotions, result, chosen, names, units, why) {
  const box = el("div", {});
  box.append(
    tableTwin("The numbers as tables: classes", ["class", "probability", "logit"],
      emotions.map((name, i) => [name, result.probabilities[i].toFixed(4), result.logits[i].toFixed(3)])),
    tableTwin("The numbers as tables: filters", ["filter", "name", "how sure", "activation", "of its usual top"],
      chosen.map(({ filter, strength }) => [filter, ...nameOf(names.filters[filter], units), result.best[filter].toFixed(3), percent(strength)])),
    tableTwin("The numbers as tables: without each action unit", ["action unit", "change in points", "then says"],
      why.map(({ au, name, change, now }) => [`${au} ${name}`, (100 * change).toFixed(1), now])));
  return box;
}
