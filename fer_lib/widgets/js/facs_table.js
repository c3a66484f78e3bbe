// FACS table: a card for each action unit; choosing one moves the face. Without WebGL, stills of each.
import { asset, jsonAsset } from "./assets.js";
import { calm, el, failure, frame, segments, speaker } from "./dom.js";
import { Face, LOST, NEUTRAL } from "./face.js";
import { Head } from "./head.js";
import { auTable } from "./lab_controls.js";
import { auStills } from "./lab_stills.js";
import { STYLE } from "./lab_style.js";
import { unzip } from "./packed.js";
import { NoWebGL } from "./webgl.js";

const REGIONS = ["brows", "eyes", "cheeks", "nose", "mouth", "chin", "jaw", "neck"];
const SIDES = [["", "both sides"], ["L", "left"], ["R", "right"]];
const MOVE = 450; // ms from rest to full

async function render({ model, el: host }) {
  const root = frame(host, "Action units, one at a time");
  root.classList.add("fer-lab");
  root.append(el("style", {}, STYLE), el("p", { class: "fer-lab-busy", role: "status" }, "Fetching the face …"));
  try {
    const manifest = await jsonAsset(model, "lab.json"), picture = await openPicture(model, manifest);
    return table(model, root, manifest, picture);
  } catch (error) {
    root.replaceChildren(el("style", {}, STYLE), failure(error));
  }
}

/** { element, show(intensities, au, atOnce), note, close } of the face, or of stills where there is no WebGL. */
async function openPicture(model, manifest) {
  const canvas = el("canvas", { width: 400, height: 400, role: "img", "aria-label": "Face" });
  try {
    return await movingFace(model, manifest, canvas);
  } catch (error) {
    if (!(error instanceof NoWebGL)) throw error;
    const still = await auStills(model), holder = el("div", { class: "fer-lab-stage" });
    return { element: holder, note: `${error.message} Stills show each unit instead.`, sides: false, close: () => {},
      show: (intensities, au) => holder.replaceChildren(still(au)) };
  }
}

async function movingFace(model, manifest, canvas) {
  const part = async (name) => unzip(await asset(model, name), manifest.files[name], name);
  const head = new Head(manifest, await part("lab_head.bin.gz")), face = new Face(canvas, head), number = model.get("person");
  const name = `lab_person_${String(number).padStart(2, "0")}.bin.gz`;
  face.wear(head.person(manifest.people[number], manifest.files[name], await part(name)));
  let frameAt = 0;
  const draw = (intensities, samples) => { face.express(auTable(manifest.aus, intensities)); face.show(NEUTRAL, samples); };
  function show(intensities, au, atOnce) {
    cancelAnimationFrame(frameAt);
    canvas.setAttribute("aria-label", `A face showing AU ${au}`);
    if (atOnce || calm()) return draw(intensities, 2);
    const start = performance.now();
    const step = () => {
      const share = Math.min(1, (performance.now() - start) / MOVE), eased = share * share * (3 - 2 * share);
      draw(Object.fromEntries(Object.entries(intensities).map(([key, value]) => [key, value * eased])), share < 1 ? 1 : 2);
      if (share < 1) frameAt = requestAnimationFrame(step);
    };
    step();
  }
  const taken = () => canvas.replaceWith(failure(LOST));
  canvas.addEventListener("webglcontextlost", taken);
  const close = () => { canvas.removeEventListener("webglcontextlost", taken); cancelAnimationFrame(frameAt); face.close(); };
  return { element: el("div", { class: "fer-lab-stage" }, canvas), show, note: "", sides: true, close };
}

function table(model, root, manifest, picture) {
  const units = [...manifest.aus].sort((a, b) => REGIONS.indexOf(a.region) - REGIONS.indexOf(b.region) || a.au - b.au);
  const live = speaker(), title = el("h3", {}), muscles = el("p", { class: "fer-w-note" });
  const side = segments("Side", SIDES, "", (value) => { model.set("side", value); model.save_changes(); });
  const strength = el("input", { type: "range", min: 0, max: 100, value: 100, "aria-label": "Intensity in percent", oninput: () => update(true) });
  const card = ({ au, name }) => el("button", { type: "button", class: "fer-facs-card", "aria-pressed": "false",
    onclick: () => { model.set("au", au); model.save_changes(); if (model.get("au") === au) update(); } }, el("b", {}, `${au}`), el("span", {}, name));
  const cards = new Map(units.map((unit) => [unit.au, card(unit)]));
  const group = (region) => el("section", {}, el("h4", {}, region), el("div", { class: "fer-facs-cards" }, units.filter((unit) => unit.region === region).map((unit) => cards.get(unit.au))));

  function update(moving) {
    const atOnce = moving === true; // while the slider is dragged; events of the model bring other arguments
    const au = model.get("au"), unit = manifest.aus.find((each) => each.au === au), where = unit.sides && picture.sides ? model.get("side") : "";
    cards.forEach((button, number) => button.setAttribute("aria-pressed", String(number === au)));
    side.element.hidden = !unit.sides || !picture.sides;
    side.set(where);
    strength.style.setProperty("--filled", `${strength.value}%`);
    title.textContent = `AU ${au}: ${unit.name}`;
    muscles.textContent = unit.muscles.join("; ");
    picture.show({ [`${where}${au}`]: strength.value / 100 }, au, atOnce);
    if (!atOnce) live.say(`AU ${au}, ${unit.name}${where ? `, ${where === "L" ? "left" : "right"} side` : ""}. Muscles: ${unit.muscles.join(", ")}.`);
  }
  const shown = el("div", { class: "fer-facs-shown" }, picture.element, title, muscles, side.element,
    picture.sides ? el("label", { class: "fer-facs-strength" }, el("span", {}, "Intensity"), strength) : null,
    picture.note ? el("p", { class: "fer-lab-warning" }, picture.note) : null);
  live.element.classList.add("fer-facs-spoken");
  root.querySelector(".fer-lab-busy").remove();
  root.append(el("div", { class: "fer-lab-main" }, shown, el("div", { class: "fer-facs-regions" }, REGIONS.map(group))), live.element);
  model.on("change:au", update);
  model.on("change:side", update);
  update();
  return () => { model.off("change:au", update); model.off("change:side", update); picture.close(); };
}

export default { render };
