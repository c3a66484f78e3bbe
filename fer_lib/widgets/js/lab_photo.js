// A picture or the camera instead of the rendered face. Everything stays in the page; the face's box is set by hand.
import { el, withCommand } from "./dom.js";

const LARGEST = 40e6; // bytes
const SIDE = 900; // px that a picture is shrunk to
const STEP = 0.02; // of the picture's shorter side, a key press

const CAMERA_TROUBLE = {
  NotAllowedError: "The camera was not allowed. Allow it in the browser's address bar, or use a picture.",
  NotFoundError: "No camera was found. Use a picture instead.",
  NotReadableError: "Another program is using the camera. Close it and try again.",
};

/** The stage for photographs. `changed()` when there is something new to look at; `failed(text)` for the reader. */
export function photoStage(changed, failed) {
  const canvas = el("canvas", { class: "fer-lab-photo", role: "img", "aria-label": "Your picture" });
  const handle = el("span", { class: "fer-lab-corner", "aria-hidden": "true" });
  const box = el("div", { class: "fer-lab-box", tabindex: "0", role: "application", "aria-roledescription": "movable box",
    "aria-label": "Face box. Arrow keys move it, plus and minus change its size." }, handle);
  const element = el("div", { class: "fer-lab-photo-stage", hidden: true }, el("div", { class: "fer-lab-frame" }, canvas, box));
  const place = { x: 0.5, y: 0.5, half: 0.4 }; // centre and half size in shorter sides of the picture
  let stream = null, video = null, live = 0;
  let turn = 0; // of openings: one that comes late is dropped

  function settle() {
    const { width, height } = canvas, short = Math.min(width, height);
    place.half = Math.min(0.5, Math.max(0.08, place.half));
    place.x = Math.min(width / short - place.half, Math.max(place.half, place.x));
    place.y = Math.min(height / short - place.half, Math.max(place.half, place.y));
    Object.assign(box.style, { left: `${100 * (place.x - place.half) * short / width}%`, top: `${100 * (place.y - place.half) * short / height}%`,
      width: `${200 * place.half * short / width}%`, height: `${200 * place.half * short / height}%` });
    changed();
  }

  function show(source, width, height) {
    const scale = Math.min(1, SIDE / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
    canvas.parentElement.style.width = `${100 * Math.min(1, canvas.width / canvas.height)}%`; // the stage is square
  }

  async function open(file) {
    close();
    const mine = turn;
    if (file.size > LARGEST) return failed(`${file.name} has ${Math.round(file.size / 1e6)} MB; expected at most ${LARGEST / 1e6} MB. Save it smaller and try again.`);
    try {
      const bitmap = await createImageBitmap(file);
      if (mine === turn) show(bitmap, bitmap.width, bitmap.height);
      bitmap.close();
    } catch {
      return mine === turn && failed(`${file.name} could not be read as a picture; expected JPEG, PNG or WebP.`);
    }
    if (mine !== turn) return;
    Object.assign(place, { x: canvas.width / Math.min(canvas.width, canvas.height) / 2, y: canvas.height / Math.min(canvas.width, canvas.height) / 2, half: 0.4 });
    element.hidden = false;
    settle();
  }

  async function camera() {
    close();
    const mine = turn, shown = el("video", { playsinline: true, muted: true });
    try {
      const found = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: 640, height: 480 } });
      if (mine !== turn) return end(found);
      shown.srcObject = stream = found;
      await shown.play();
    } catch (error) {
      if (mine !== turn) return;
      close();
      return failed(CAMERA_TROUBLE[error.name] ?? "This page may not use a camera here. Use a picture instead.");
    }
    if (mine !== turn) return;
    video = shown;
    Object.assign(place, { x: video.videoWidth / video.videoHeight / 2, y: 0.5, half: 0.35 });
    element.hidden = false;
    const look = () => { if (!video) return; show(video, video.videoWidth, video.videoHeight); settle(); };
    look();
    live = setInterval(look, 200);
  }

  const end = (found) => found?.getTracks().forEach((track) => track.stop());

  /** Stop the camera; its last picture stays. */
  function hold() {
    turn++;
    clearInterval(live);
    end(stream);
    stream = video = null;
  }

  function close() {
    hold();
    element.hidden = true;
  }

  function drag(event) {
    const resize = event.target === handle, start = { ...place, x0: event.clientX, y0: event.clientY };
    const short = Math.min(canvas.clientWidth, canvas.clientHeight) || 1;
    box.setPointerCapture(event.pointerId);
    event.preventDefault();
    box.focus();
    box.onpointermove = (move) => {
      const dx = (move.clientX - start.x0) / short, dy = (move.clientY - start.y0) / short;
      if (resize) place.half = start.half + (dx + dy) / 4;
      else Object.assign(place, { x: start.x + dx, y: start.y + dy });
      settle();
    };
    box.onpointerup = box.onpointercancel = () => { box.onpointermove = null; };
  }

  function key(event) {
    const moves = { ArrowLeft: [-STEP, 0, 0], ArrowRight: [STEP, 0, 0], ArrowUp: [0, -STEP, 0], ArrowDown: [0, STEP, 0], "+": [0, 0, STEP], "=": [0, 0, STEP], "-": [0, 0, -STEP] };
    const move = moves[event.key];
    if (!move || withCommand(event)) return;
    event.preventDefault();
    place.x += move[0]; place.y += move[1]; place.half += move[2];
    settle();
  }
  box.addEventListener("pointerdown", drag);
  box.addEventListener("keydown", key);

  /** The box as the network takes it: grey, Uint8Array of size². */
  function picture(size) {
    const small = document.createElement("canvas"), context = small.getContext("2d", { willReadFrequently: true });
    const short = Math.min(canvas.width, canvas.height), side = 2 * place.half * short;
    small.width = small.height = size;
    context.imageSmoothingQuality = "high"; // averages over area
    context.drawImage(canvas, (place.x - place.half) * short, (place.y - place.half) * short, side, side, 0, 0, size, size);
    const { data } = context.getImageData(0, 0, size, size);
    return Uint8Array.from({ length: size * size }, (_, i) => Math.round(0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]));
  }

  return { element, open, camera, hold, close, picture, active: () => !element.hidden, running: () => Boolean(video) };
}
