// Small charts on a sharp canvas, in the page's colours: an AU profile, named bars, two histograms.
import { sharpCanvas } from "./dom.js";
import { palette } from "./colours.js";

const FONT = "12px system-ui, sans-serif";
const M = { left: 46, right: 8, top: 10, bottom: 24 };

function plot(label, height, paint) {
  const made = sharpCanvas(height, (context, width, tall) => {
    context.font = FONT;
    paint(context, { left: M.left, top: M.top, width: width - M.left - M.right, height: tall - M.top - M.bottom }, palette(made.canvas));
  }, { role: "img", "aria-label": label });
  const name = (text) => made.canvas.setAttribute("aria-label", text);
  return { ...made, name };
}

function level(context, box, colours, y, text, dash = []) {
  context.strokeStyle = colours.line;
  context.setLineDash(dash);
  context.beginPath();
  context.moveTo(box.left, y);
  context.lineTo(box.left + box.width, y);
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colours.muted;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(text, box.left - 6, y);
}

function under(context, box, colours, x, text, strong = false) {
  context.fillStyle = strong ? colours.ink : colours.muted;
  context.font = strong ? `bold ${FONT}` : FONT;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText(text, x, box.top + box.height + 6);
  context.font = FONT;
}

/** AUROC of each AU with its interval, on the band that exchange of labels gives. `read()`: {names, value, low, high,
    nullLow, nullHigh, strong}. */
export function profile(label, read) {
  return plot(label, 190, (context, box, colours) => {
    const { names, value, low, high, nullLow, nullHigh, strong } = read();
    const y = (share) => box.top + box.height * (1 - share), step = box.width / names.length;
    const x = (place) => box.left + step * (place + 0.5);
    [0, 0.5, 1].forEach((tick) => level(context, box, colours, y(tick), String(tick), tick === 0.5 ? [4, 4] : []));
    names.forEach((name, k) => {
      context.fillStyle = colours.band;
      if (nullHigh[k] > nullLow[k]) context.fillRect(x(k) - step / 2, y(nullHigh[k]), step, y(nullLow[k]) - y(nullHigh[k]));
    });
    names.forEach((name, k) => {
      const outside = value[k] > nullHigh[k] || value[k] < nullLow[k];
      context.strokeStyle = context.fillStyle = k === strong ? colours.second : outside ? colours.accent : colours.muted;
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(x(k), y(low[k]));
      context.lineTo(x(k), y(high[k]));
      context.stroke();
      context.beginPath();
      context.arc(x(k), y(value[k]), Math.min(4.5, step / 3), 0, 7);
      context.fill();
      context.lineWidth = 1;
      if (step > 17 || k === strong || (k % 2 === 0 && Math.abs(k - strong) > 1)) under(context, box, colours, x(k), name, k === strong);
    });
  });
}

/** Bars up and down from zero. `read()`: {names, values, short}: `short` labels stand under the bars. */
export function bars(label, read, told = (value) => String(Number(value.toPrecision(1)))) {
  return plot(label, 160, (context, box, colours) => {
    const { values, short } = read();
    const top = Math.max(0, ...values), bottom = Math.min(0, ...values), span = top - bottom || 1;
    const y = (value) => box.top + (box.height * (top - value)) / span, step = box.width / values.length;
    level(context, box, colours, y(0), "0");
    if (top > 0) level(context, box, colours, y(top), told(top), [2, 4]);
    if (bottom < -0.15 * span) level(context, box, colours, y(bottom), told(bottom), [2, 4]);
    values.forEach((value, k) => {
      context.fillStyle = value >= 0 ? colours.accent : colours.second;
      context.fillRect(box.left + step * (k + 0.18), Math.min(y(0), y(value)), step * 0.64, Math.max(1, Math.abs(y(value) - y(0))));
      under(context, box, colours, box.left + step * (k + 0.5), short[k]);
    });
  });
}

/** Shares of pictures by activation, with and without the AU. `read()`: {present, absent, low, high} (counts). */
export function twoHistograms(label, read) {
  return plot(label, 170, (context, box, colours) => {
    const { present, absent, low, high } = read();
    const share = (counts) => { const total = counts.reduce((a, b) => a + b, 0) || 1; return Array.from(counts, (c) => c / total); };
    const [q, r] = [share(present), share(absent)], top = Math.max(...q, ...r) || 1, step = box.width / q.length;
    const y = (value) => box.top + box.height * (1 - value / top);
    level(context, box, colours, y(0), "0");
    level(context, box, colours, y(top), `${Math.round(100 * top)} %`, [2, 4]);
    r.forEach((value, k) => { context.fillStyle = colours.band; context.fillRect(box.left + k * step, y(value), step, y(0) - y(value)); });
    context.strokeStyle = colours.second;
    context.lineWidth = 2.5;
    context.beginPath();
    q.forEach((value, k) => {
      context.lineTo(box.left + k * step, y(value));
      context.lineTo(box.left + (k + 1) * step, y(value));
    });
    context.stroke();
    context.lineWidth = 1;
    context.fillStyle = colours.muted;
    context.textBaseline = "top";
    context.textAlign = "left";
    context.fillText(low.toPrecision(2), box.left, box.top + box.height + 6);
    context.textAlign = "right";
    context.fillText(high.toPrecision(3), box.left + box.width, box.top + box.height + 6);
    context.textAlign = "center";
    context.fillText("activation", box.left + box.width / 2, box.top + box.height + 6);
  });
}
