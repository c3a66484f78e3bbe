// AU lab: change a face by its action units and watch the network see it. No kernel; nothing leaves the page.
import { asset, jsonAsset } from "./assets.js";
import { el, failure, frame, renew, segments, speaker, withCommand } from "./dom.js";
import { Face, NEUTRAL } from "./face.js";
import { Head } from "./head.js";
import { auTable, buttons, sliders, turned } from "./lab_controls.js";
import { layout } from "./lab_layout.js";
import { photoStage } from "./lab_photo.js";
import { filterCards, inputs, percent, reasons, strongest, twin, verdict } from "./lab_results.js";
import { stillsStage } from "./lab_stills.js";
import { STYLE } from "./lab_style.js";
import { startNetwork } from "./network_worker.js";
import { unzip } from "./packed.js";
import { NoWebGL } from "./webgl.js";

const LIMITS = [60, 30, 25]; // degrees of yaw, pitch, roll
const SETTLED = 180; // ms without a change
const FRAME = 22; // ms: a slower drawing is drawn coarser while it moves; the network's picture takes the rest of a 30th of a second
const REST = 4; // times as long as the network's picture took, before the next one: the face keeps moving on a slow device
const METHODS = [["guided", "guided"], ["deconvnet", "deconvnet"]];

async function render({ model, el: host }) {
  const root = frame(host, "AU lab");
  root.classList.add("fer-lab");
  root.append(el("style", {}, STYLE), el("p", { class: "fer-lab-busy", role: "status" }, "Fetching the face and the network …"));
  try {
    const lab = await build(model, root);
    return () => lab.stop();
  } catch (error) {
    root.replaceChildren(el("style", {}, STYLE), failure(error));
  }
}

async function build(model, root) {
  const [manifest, names] = await Promise.all([jsonAsset(model, "lab.json"), jsonAsset(model, "lab_filters.json")]);
  const network = startNetwork(model, manifest);
  const stage = await openStage(model, manifest);
  const lab = new Lab(model, manifest, names, await network, stage);
  root.querySelector(".fer-lab-busy").remove();
  root.append(...layout(lab));
  await lab.start();
  return lab;
}

/** The face in WebGL, or pictures made beforehand where there is none. */
async function openStage(model, manifest) {
  const canvas = el("canvas", { width: 400, height: 400, tabindex: "0", role: "application", "aria-roledescription": "3-D face",
    "aria-label": "Face. Arrow keys turn it, Home shows it from the front." });
  try {
    const about = manifest.files["lab_head.bin.gz"];
    const head = new Head(manifest, await unzip(await asset(model, "lab_head.bin.gz"), about, "lab_head.bin.gz"));
    return { face: new Face(canvas, head), head, canvas, people: new Map() };
  } catch (error) {
    if (!(error instanceof NoWebGL)) throw error;
    return { trouble: error.message, stills: await stillsStage(model) };
  }
}

class Lab {
  constructor(model, manifest, names, network, stage) {
    Object.assign(this, { model, manifest, names, network, stage, size: manifest.network.size, version: 0, coarse: 1, stopped: false });
    this.emotions = manifest.network.emotions;
    this.live = speaker();
    this.photo = photoStage(() => this.changed(), (text) => this.warn(text));
    this.shown = { inputs: inputs(this.size), verdict: verdict(this.emotions), filters: filterCards(manifest.aus, names), why: reasons() };
    this.presets = buttons("Expressions", Object.keys(manifest.presets).map((name) => [name, name]), (name) => this.put("aus", manifest.presets[name]));
    this.sliders = sliders(manifest.aus, (key, value) => this.move(key, value));
    this.method = segments("Decoded by", METHODS, model.get("method"), (value) => this.put("method", value));
    this.listen();
  }

  listen() {
    const { canvas } = this.stage;
    this.watched = ["aus", "person", "pose", "method", "sides"].map((name) => {
      const told = () => (name === "person" ? this.wear() : name === "sides" ? this.reflect() : this.changed());
      this.model.on(`change:${name}`, told);
      return () => this.model.off(`change:${name}`, told);
    });
    canvas?.addEventListener("pointerdown", (event) => this.orbit(event));
    canvas?.addEventListener("keydown", (event) => this.key(event));
    canvas?.addEventListener("webglcontextlost", () => this.stopped || this.changed()); // the next look says so
    this.stage.stills?.onChoose(() => (this.photo.active() ? this.closePhoto() : this.changed()));
  }

  async start() {
    if (this.stage.face) await this.wear();
    else this.changed();
  }

  put(name, value) {
    if (name !== "method" && this.photo.active()) this.closePhoto();
    this.model.set(name, value);
    this.model.save_changes();
  }

  /** A slider moved: an AU stands as one number, or as its two sides. */
  move(key, value) {
    const aus = { ...this.model.get("aus") }, au = key.replace(/\D/, "");
    const sides = { L: aus[`L${au}`] ?? aus[au] ?? 0, R: aus[`R${au}`] ?? aus[au] ?? 0 };
    for (const name of [au, `L${au}`, `R${au}`]) delete aus[name];
    if (key === au) sides.L = sides.R = value;
    else {
      sides[key[0]] = value;
      this.model.set("sides", true); // the slider in use stays, also where both sides are alike
    }
    if (sides.L === sides.R) { if (sides.L) aus[au] = sides.L; }
    else for (const side of ["L", "R"]) if (sides[side]) aus[side + au] = sides[side];
    this.put("aus", aus);
  }

  /** Left and right apart, or each action unit at its larger side. */
  apart(wanted) {
    if (!wanted) {
      const aus = {};
      for (const [key, value] of Object.entries(this.model.get("aus"))) {
        const au = key.replace(/\D/, "");
        aus[au] = Math.max(aus[au] ?? 0, value);
      }
      this.put("aus", aus);
    }
    this.put("sides", wanted);
  }

  orbit(event) {
    const { canvas } = this.stage, [yaw, pitch, roll] = this.model.get("pose"), x = event.clientX, y = event.clientY;
    canvas.setPointerCapture(event.pointerId);
    canvas.onpointermove = (move) => this.turn([yaw + (move.clientX - x) / 4, pitch - (move.clientY - y) / 4, roll]);
    canvas.onpointerup = canvas.onpointercancel = () => { canvas.onpointermove = null; };
  }

  key(event) {
    const step = { ArrowLeft: [-3, 0, 0], ArrowRight: [3, 0, 0], ArrowUp: [0, 3, 0], ArrowDown: [0, -3, 0] }[event.key];
    if ((!step && event.key !== "Home") || withCommand(event)) return;
    event.preventDefault();
    this.turn(step ? this.model.get("pose").map((angle, i) => angle + step[i]) : [0, 0, 0]);
  }

  turn(pose) {
    this.put("pose", pose.map((angle, i) => Math.round(10 * Math.min(LIMITS[i], Math.max(-LIMITS[i], angle))) / 10));
  }

  async openFile(input) {
    if (input.files[0]) { this.warn(""); await this.photo.open(input.files[0]); this.onPhoto(); }
    input.value = "";
  }

  async openCamera() {
    this.warn("");
    await this.photo.camera();
    this.onPhoto();
  }

  onPhoto() {
    const active = this.photo.active();
    this.photo.element.closest(".fer-lab-stage").hidden = !active && Boolean(this.stage.trouble);
    this.back.hidden = !active;
    this.hold.hidden = !this.photo.running();
    if (this.stage.canvas) this.stage.canvas.inert = active;
    this.whyPanel.hidden = active || Boolean(this.stage.trouble);
    if (active) this.warn("Your picture stays in this page. The network was trained on rendered, posed, frontal faces only: on photographs it is often wrong, and it says nothing about what anybody feels. Put the box from brow to chin.");
    this.changed();
  }

  closePhoto() {
    const focused = this.back.matches(":focus");
    this.photo.close();
    this.warn("");
    this.onPhoto();
    if (focused) (this.stage.canvas ?? this.file).focus();
  }

  /** The camera's last picture stays: filters and tables settle on it. */
  holdPicture() {
    this.photo.hold();
    this.onPhoto();
    this.back.focus();
  }

  warn(text) {
    this.warning.textContent = text;
    this.warning.hidden = !text;
  }

  async wear() {
    const { people, head, face } = this.stage, number = this.model.get("person"), about = this.manifest.people[number];
    const name = `lab_person_${String(number).padStart(2, "0")}.bin.gz`, file = this.manifest.files[name];
    try {
      if (!people.has(number)) people.set(number, head.person(about, file, await unzip(await asset(this.model, name), file, name)));
    } catch (error) {
      return this.warn(error.message);
    }
    if (number !== this.model.get("person")) return;
    face.wear(people.get(number));
    this.changed();
  }

  scene() {
    return { ...NEUTRAL, pose: this.model.get("pose") };
  }

  /** Something changed: draw soon, let the network look, and settle when it stays. */
  changed() {
    this.version++;
    this.reflect();
    if (!this.waiting) this.waiting = requestAnimationFrame(() => this.frame());
    clearTimeout(this.still);
    this.age(true);
  }

  /** The network's picture first: it computes on its own thread while the face is drawn. */
  frame() {
    this.waiting = 0;
    this.soon();
    this.draw(true);
  }

  /** Grey out what the network said of the state before. */
  age(old) {
    for (const part of [this.shown.filters, this.shown.why]) part.element.classList.toggle("fer-lab-old", old);
    if (old && this.photo.running()) this.shown.inputs.mark([]);
  }

  /** Controls show the state. */
  reflect() {
    const aus = this.model.get("aus"), apart = Object.keys(aus).some((key) => /[LR]/.test(key)) || this.model.get("sides");
    this.split && (this.split.checked = apart);
    this.sliders.set(aus, apart);
    this.faces?.set(this.model.get("person"));
    if (this.hint) this.hint.textContent = turned(this.model.get("pose"));
    this.method.set(this.model.get("method"));
    const same = (one, other) => Object.keys({ ...one, ...other }).every((key) => (one[key] ?? 0) === (other[key] ?? 0));
    this.presets.set(Object.keys(this.manifest.presets).find((name) => same(this.manifest.presets[name], aus)));
  }

  draw(moving) {
    const { face, canvas } = this.stage;
    if (!face?.person || face.lost || this.photo.active()) return;
    const start = performance.now(), wanted = Math.round((canvas.clientWidth || 400) * Math.min(2, globalThis.devicePixelRatio || 1));
    const side = moving ? Math.round(wanted / this.coarse) : wanted;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    this.express(this.model.get("aus"));
    if (moving) face.draft(this.scene());
    else face.show(this.scene(), this.coarse > 1 ? 1 : 2);
    if (moving) this.pace(start);
  }

  /** Draw coarser while moving where the device is slow, finer where it is not. */
  pace(start) {
    this.stage.face.finish();
    const spent = performance.now() - start;
    if (spent > FRAME) this.coarse = Math.min(2.5, this.coarse * 1.25);
    else if (spent < FRAME / 2) this.coarse = Math.max(1, this.coarse / 1.25);
  }

  /** Move the face, if it does not show these action units already. */
  express(aus) {
    const { face } = this.stage, state = `${face.person.number} ${JSON.stringify(aus)}`;
    if (state === this.expressed) return;
    face.express(auTable(this.manifest.aus, aus));
    this.expressed = state;
  }

  /** The grey picture that the network gets: of the state now, or of the face with other action units. */
  picture(aus = this.model.get("aus")) {
    if (this.photo.active()) return this.photo.picture(this.size);
    if (!this.stage.face) return this.stage.stills.picture();
    this.express(aus);
    return this.stage.face.picture(this.size, this.scene());
  }

  /** Look at once after a rest; while the face keeps moving on a slow device, leave it time to be drawn. */
  soon() {
    const rest = (this.rested ?? 0) - performance.now();
    if (rest <= 0) this.look();
    else this.pending ??= setTimeout(() => { this.pending = null; this.look(); }, rest);
  }

  /** One look at a time; the last state is never missed. */
  async look() {
    if (this.looking || this.stopped || (this.stage.face && !this.stage.face.person)) return;
    this.looking = true;
    const { version } = this, start = performance.now();
    try {
      const picture = this.picture();
      this.rested = performance.now() + REST * (performance.now() - start);
      const result = await this.network.see(picture);
      this.shown.verdict.show(result.probabilities);
      this.shown.inputs.show(picture, result.input);
      if (version === this.version) this.still = setTimeout(() => this.settle(version, result), SETTLED);
    } catch (error) {
      this.warn(error.message);
    }
    this.looking = false;
    if (version !== this.version && !this.stopped) this.soon();
  }

  /** When nothing has changed for a moment: filters and a fine drawing, reasons, tables, and a word to listeners. */
  async settle(version, result) {
    const fresh = () => version === this.version && !this.stopped;
    const chosen = strongest(result.best, this.names.typical), places = chosen.map(({ filter }) => result.place[filter]);
    const decoded = this.network.decode(chosen.map(({ filter }) => filter), places, this.model.get("method"));
    this.draw(false);
    const patches = await decoded;
    if (!fresh()) return;
    this.age(false);
    this.shown.filters.show(chosen, patches);
    this.shown.inputs.mark(places);
    this.tell(result);
    const why = await this.reason(result, fresh);
    if (fresh()) renew(this.twins, twin(this.emotions, result, chosen, this.names, this.manifest.aus, why));
  }

  tell({ probabilities }) {
    const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    this.live.say(`Now: ${order.slice(0, 2).map((i) => `${this.emotions[i]} ${percent(probabilities[i])}`).join(", ")}.`);
    if (this.photo.active()) return; // what it makes of a visitor's picture stays in the page, too
    this.model.set("probabilities", Object.fromEntries(this.emotions.map((name, i) => [name, probabilities[i]])));
    this.model.save_changes();
  }

  /** Take each action unit away in turn and look again. */
  async reason({ probabilities }, fresh) {
    const aus = this.model.get("aus"), best = probabilities.indexOf(Math.max(...probabilities)), rows = [];
    if (!this.stage.face || this.photo.active()) return rows;
    const numbers = [...new Set(Object.keys(aus).map((key) => +key.replace(/\D/, "")))];
    this.shown.why.show(this.emotions[best], rows, !numbers.length);
    for (const au of numbers) {
      const without = Object.fromEntries(Object.entries(aus).filter(([key]) => +key.replace(/\D/, "") !== au));
      const seen = (await this.network.see(this.picture(without))).probabilities;
      if (!fresh()) return rows;
      rows.push({ au, name: this.manifest.aus.find((unit) => unit.au === au).name, change: seen[best] - probabilities[best], now: this.emotions[seen.indexOf(Math.max(...seen))] });
      rows.sort((a, b) => a.change - b.change);
      this.shown.why.show(this.emotions[best], rows, true);
    }
    return rows;
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.still);
    clearTimeout(this.pending);
    cancelAnimationFrame(this.waiting);
    this.watched.forEach((off) => off());
    this.photo.close();
    this.network.stop();
    this.stage.face?.close();
  }
}

export default { render };
