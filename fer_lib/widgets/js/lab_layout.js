// Where the AU lab's parts stand: face and people, verdict and reasons, action units, filters, tables.
import { el } from "./dom.js";
import { buttons, described } from "./lab_controls.js";
import { thumbnails } from "./lab_stills.js";

/** Everything below the title, in reading order. */
export function layout(lab) {
  const head = el("div", { class: "fer-lab-head" }, el("h3", {}, "The lab"),
    el("p", { class: "fer-lab-private" }, "The face and the network run in this page. Your pictures, and what the network makes of them, stay here."));
  lab.warning = el("p", { class: "fer-lab-warning", role: "alert", hidden: true });
  const left = el("div", {}, stageElement(lab), tools(lab), people(lab));
  const right = el("div", {}, lab.stage.trouble ? "" : lab.presets.element, el("div", { class: "fer-lab-see" }, lab.shown.verdict.element, lab.shown.inputs.element), lab.warning, whyPart(lab));
  lab.twins = el("div", {});
  return [head, el("div", { class: "fer-lab-main" }, left, right), auPanel(lab), filterPanel(lab), lab.live.element, lab.twins];
}

function stageElement(lab) {
  const { canvas, trouble, stills } = lab.stage;
  if (trouble) return el("div", {}, el("p", { class: "fer-lab-warning" }, `${trouble} Choose one of these pictures instead, or use your own: the network sees them all the same.`),
    stills.element, el("div", { class: "fer-lab-stage", hidden: true }, lab.photo.element));
  return el("div", { class: "fer-lab-stage" }, canvas, lab.hint = el("p", { class: "fer-lab-hint" }), lab.photo.element);
}

function tools(lab) {
  const file = el("input", { type: "file", accept: "image/*", "aria-label": "Use a picture from this device", onchange: () => lab.openFile(file) });
  lab.file = file;
  lab.back = el("button", { type: "button", hidden: true, onclick: () => lab.closePhoto() }, "Back to the face");
  lab.hold = el("button", { type: "button", hidden: true, onclick: () => lab.holdPicture() }, "Hold this picture");
  const button = (text, act) => el("button", { type: "button", onclick: act }, text);
  return el("div", { class: "fer-lab-tools" },
    lab.stage.trouble ? null : button("From the front", () => lab.put("pose", [0, 0, 0])),
    lab.stage.trouble ? null : button("Reset", () => { lab.put("aus", {}); lab.put("pose", [0, 0, 0]); }),
    el("label", { class: "fer-lab-file" }, "Your picture", file), button("Camera", () => lab.openCamera()), lab.hold, lab.back);
}

function people(lab) {
  if (lab.stage.trouble) return "";
  lab.faces = buttons("People", lab.manifest.people.map((person) => [person.number, "", described(person)]), (number) => lab.put("person", number), "fer-lab-people");
  thumbnails(lab.model, lab.faces.element);
  return lab.faces.element;
}

function auPanel(lab) {
  lab.split = el("input", { type: "checkbox", onchange: () => lab.apart(lab.split.checked) });
  return el("section", { class: "fer-lab-panel fer-lab-aus", hidden: Boolean(lab.stage.trouble) }, el("header", {}, el("h4", {}, "Action units"),
    el("label", { class: "fer-lab-check" }, lab.split, "left and right apart (L: the person's own left)")), lab.sliders.element);
}

function whyPart(lab) {
  lab.whyPanel = el("section", { class: "fer-lab-reasons", hidden: Boolean(lab.stage.trouble) }, el("h4", {}, "Why: what carries the verdict"), lab.shown.why.element,
    el("p", { class: "fer-w-note" }, "Points by which this probability changes when one action unit is taken away and everything else stays."));
  return lab.whyPanel;
}

function filterPanel(lab) {
  return el("section", { class: "fer-lab-panel" },
    el("header", {}, el("h4", {}, "Filters of conv3 that answer most"), lab.method.element), lab.shown.filters.element,
    el("p", { class: "fer-w-note" }, `Numbers mark the fields on the picture. A filter's name is the action unit it follows best on ${lab.names.people} rendered people it never saw; AUROC .5 is chance. Names describe, they do not explain.`));
}
