// Pictures made beforehand by Python's renderer: small portraits of the people, and what there is without WebGL.
import { asset, jsonAsset } from "./assets.js";
import { el } from "./dom.js";

/** The sheet of stills as drawable tiles: { draw(canvas, tile), grey(tile), tiles }. */
async function sheet(model, name) {
  const about = await jsonAsset(model, `${name}.json`);
  const bitmap = await createImageBitmap(new Blob([await asset(model, `${name}.webp`)], { type: "image/webp" }));
  const { size, tiles } = about, across = bitmap.width / size;
  const draw = (canvas, tile) => {
    canvas.width = canvas.height = size;
    canvas.getContext("2d").drawImage(bitmap, -size * (tile % across), -size * Math.floor(tile / across));
    return canvas;
  };
  const grey = (tile) => draw(document.createElement("canvas"), tile).getContext("2d").getImageData(0, 0, size, size).data.filter((_, i) => i % 4 === 0);
  return { draw, grey, tiles };
}

/** Put a portrait on each person's button. Images, as a browser lays every canvas over the page anew in each frame. */
export async function thumbnails(model, holder) {
  const { draw } = await sheet(model, "lab_stills");
  holder.querySelectorAll("button").forEach((button, number) => button.append(
    el("img", { src: draw(document.createElement("canvas"), number).toDataURL(), alt: "" })));
}

/** Instead of the face: stills to choose from. { element, picture(), onChoose(act) } */
export async function stillsStage(model) {
  const { draw, grey, tiles } = await sheet(model, "lab_stills");
  let chosen = tiles.findIndex((tile) => tile.expression === "happy"), act = () => {};
  const made = tiles.map((tile, number) => el("button", { type: "button", "aria-pressed": String(number === chosen), onclick: () => choose(number) },
    draw(el("canvas", { "aria-hidden": "true" }), number), el("span", {}, `${tile.expression}, person ${tile.person + 1}`)));
  function choose(number) {
    chosen = number;
    made.forEach((button, at) => button.setAttribute("aria-pressed", String(at === number)));
    act();
  }
  const element = el("div", { class: "fer-lab-stills", role: "group", "aria-label": "Pictures" }, made);
  return { element, picture: () => Uint8Array.from(grey(chosen)), onChoose: (next) => { act = next; } };
}

/** Stills of single action units for the FACS table. */
export async function auStills(model) {
  const { draw, tiles } = await sheet(model, "facs_stills");
  return (au) => draw(el("canvas", { role: "img", "aria-label": `A face showing AU ${au}` }), tiles.findIndex((tile) => tile.au === au));
}
