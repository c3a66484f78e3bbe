// A filter's top pictures, what its unit saw there, and what the decoders make of it: one column a picture.
import { el, sharpCanvas } from "./dom.js";
import { drawCrop, drawFace, drawTile, fieldOf } from "./explorer_data.js";
import { palette } from "./colours.js";

const ROWS = ["picture", "what it saw", "deconvnet", "guided"];
const GAP = 6;

/** `read()`: {looks, top} (see openLooks), or nothing yet. Columns as wide as they fit. */
export function examplesCanvas(data, read, rows = ROWS) {
  const side = (width) => Math.min(96, Math.floor((width + GAP) / data.about.top) - GAP);
  const made = sharpCanvas((width) => rows.length * (side(width) + GAP), (context, width) => {
    const found = read();
    if (!found) return;
    const s = side(width), colours = palette(made.canvas);
    context.imageSmoothingQuality = "high";
    found.top.forEach((unit, column) => rows.forEach((row, line) => {
      drawOne(context, data, found.looks, unit, row, column * (s + GAP), line * (s + GAP), s, colours);
    }));
  }, { role: "img", "aria-label": "The filter's strongest pictures" });
  return made;
}

function drawOne(context, data, looks, unit, row, left, top, side, colours) {
  const box = fieldOf(looks.field, unit);
  if (row === "what it saw") return drawCrop(context, data.faces, unit.image, box, left, top, side);
  if (row !== "picture") {
    context.imageSmoothingEnabled = looks.field.size > 8;
    drawTile(context, looks.maps[row], looks.columns, looks.field.size, unit.unit, left, top, side);
    context.imageSmoothingEnabled = true;
    return;
  }
  drawFace(context, data.faces, unit.image, left, top, side);
  const scale = side / data.faces.size;
  context.save();
  context.beginPath();
  context.rect(left, top, side, side);
  context.clip();
  context.strokeStyle = colours.second;
  context.lineWidth = 2;
  context.strokeRect(left + box.left * scale, top + box.top * scale, Math.max(4, box.size * scale), Math.max(4, box.size * scale));
  context.restore();
}

/** AUs and emotion of a picture, in words. */
export function pictureInWords(data, image) {
  const shown = data.about.aus.filter((_, k) => data.labels.presence[k][image]).map(({ au }) => au);
  return `${data.about.emotions[data.labels.emotion[image]]}, ${shown.length ? `AU ${shown.join(", ")}` : "no AU"}`;
}

export function rowNames(rows = ROWS) {
  return el("p", { class: "fer-w-note" }, `Rows: ${rows.join("; ")}. The frame marks what the unit could see.`);
}
