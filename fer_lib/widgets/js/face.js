// The face in WebGL2: the same mesh, paint, wrinkles, light and sensor as fer_lib/faces/render.py. One `Face` draws both
// what the reader sees (on its canvas) and what the network gets (grey bytes), from the same parameters.
import { rotation } from "./head.js";
import { NoWebGL, Settings, attribute, discard, parameters, program } from "./webgl.js";
import { BLUR, DEVELOP, FULL, GATHER, HALVE, HIDING, LASH, MESH, PARTS, PARTS_DRAFT, POOL, SKIN, SKIN_DRAFT, WALL, WALL_DRAFT } from "./face_shaders.js";

const BACKGROUND = 16 - 13.8, CAPPED = 14.6 - 13.8; // dm, counted as the shaders count depth
const PICTURE_WIDTH = 1.75; // dm
const HOLLOWS = [0.05, 0.16]; // dm
const BLUR_SIGMA = 0.45, EXPOSURE = 1, WALL_LEVEL = 0.45; // the neutral scene of Python's renderer
const SIDE = Math.exp(-0.5 / BLUR_SIGMA ** 2), ASIDE = SIDE / (SIDE + 0.5); // a neighbour's weight, and where to fetch it with half the middle

/** Frontal pose and soft light from above left, as Scene.neutral. Angles in degrees. */
export const NEUTRAL = { pose: [0, 0, 0], light: [-22, 32], contrast: 0.6 };

/** What a reader is told when the graphics are gone. */
export const LOST = "The browser has taken the 3-D face away. Reload the page to have it back.";

export class Face {
  /** `canvas` shows the face; `head` is a Head. Throws NoWebGL. */
  constructor(canvas, head) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, preserveDrawingBuffer: true });
    if (!gl || !gl.getExtension("EXT_color_buffer_float")) {
      throw new NoWebGL("This browser cannot draw the 3-D face: it offers no WebGL 2 with float targets.");
    }
    const fine = gl.getExtension("OES_texture_float_linear");
    this.one = fine ? gl.R32F : gl.R16F;
    Object.assign(this, { gl, canvas, head, textures: {}, targets: new Map() });
    const mesh = (fragment) => program(gl, MESH, fragment), full = (fragment) => program(gl, FULL, fragment);
    this.programs = { gather: mesh(GATHER), lash: mesh(LASH), skin: full(SKIN), parts: mesh(PARTS),
      pool: full(POOL), wall: full(WALL), develop: full(DEVELOP), blur: full(BLUR) };
    this.drafting = { halve: full(HALVE), skin: full(SKIN_DRAFT), parts: mesh(PARTS_DRAFT), hiding: full(HIDING), wall: full(WALL_DRAFT) };
    this.empty = gl.createVertexArray();
    this.load();
  }

  load() {
    const { gl, head } = this, fixed = (at, values, size, normalised = false) => {
      const type = values instanceof Uint8Array ? gl.UNSIGNED_BYTE : gl.FLOAT;
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      attribute(gl, at, size, type, normalised);
    };
    this.mesh = gl.createVertexArray();
    gl.bindVertexArray(this.mesh);
    this.moving = [0, 1, 2].map((at) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, 12 * head.count, gl.DYNAMIC_DRAW);
      attribute(gl, at, 3, gl.FLOAT, false);
      return buffer;
    });
    fixed(3, head.template, 3);
    fixed(4, head.masks, 4, true);
    fixed(5, head.lash, 1, true);
    fixed(6, head.part, 1);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, head.order, gl.STATIC_DRAW);
    this.textures.folds = gl.createTexture();
  }

  /** Whether the browser has taken the graphics away, as it may after a reset or in the background. */
  get lost() {
    return this.gl.isContextLost();
  }

  /** Show another person (Head.person). */
  wear(person) {
    const { gl } = this;
    this.person = person;
    for (const name of ["paint", "strands"]) {
      gl.deleteTexture(this.textures[name] ?? null);
      this.textures[name] = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, this.textures[name]);
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      const { width, height, pixels } = person[name];
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, width, height, 0, gl.RED, gl.UNSIGNED_BYTE, pixels);
      parameters(gl, gl.TEXTURE_2D, gl.LINEAR);
    }
  }

  /** Move the face: an AU table, Float32Array (2 × A). Then draw. */
  express(aus) {
    const { gl, head } = this, { positions, normals, eyes } = head.pose(this.person, aus);
    [positions, normals, eyes].forEach((values, at) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.moving[at]);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, values);
    });
    const { values, width, height } = head.folds(this.person, aus);
    gl.bindTexture(gl.TEXTURE_2D, this.textures.folds);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB16F, width, height, 0, gl.RGB, gl.FLOAT, values);
    parameters(gl, gl.TEXTURE_2D, gl.LINEAR);
  }

  /** Draw on the canvas at its own size. `samples`: finer samples a side of each pixel. */
  show(scene = NEUTRAL, samples = 1) {
    const { width, height } = this.canvas;
    this.draw(scene, Math.min(width, height), samples, null);
  }

  /** The grey picture, Uint8Array of size², as fer_lib.faces.render makes it (3 × 3 samples a pixel). */
  picture(size, scene = NEUTRAL, samples = 3) {
    if (this.lost) throw new Error(LOST);
    const { gl } = this, target = this.target(`picture${size}`, size, size, gl.RGBA8), bytes = new Uint8Array(4 * size * size);
    this.draw(scene, size, samples, target);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame);
    gl.readPixels(0, 0, size, size, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    return bytes.filter((_, i) => i % 4 === 0);
  }

  /** Draw on the canvas as it moves: shadows and wall once for four pixels, no blur. About two thirds of the work (benchmarks/lab.py), and hardly another face. */
  draft(scene = NEUTRAL) {
    const { gl, drafting: programs } = this, side = Math.min(this.canvas.width, this.canvas.height), half = side >> 1;
    const turn = rotation(scene.pose), mesh = this.gather("draftMesh", side, turn);
    const depth = this.target("draftDepth", half, half, this.one, false, Math.floor(Math.log2(half)) + 1);
    const lashes = this.target("draftLashes", half, half, gl.RGBA8, true);
    const hidden = this.target("draftHidden", half, half, gl.RGBA8);
    const grey = this.target("draft", side, side, gl.RGBA8, mesh), wall = this.target("draftWall", half, half, gl.RGBA8);
    this.fill(programs.halve, depth, (set) => {
      set.texture("depths", mesh);
      set.real("farthest", CAPPED);
    });
    this.pass(this.programs.lash, lashes, turn, 0, this.head.ranges.lashes, (set) => set.texture("depths", depth));
    gl.bindTexture(gl.TEXTURE_2D, depth.texture);
    gl.generateMipmap(gl.TEXTURE_2D);
    this.fill(programs.hiding, hidden, (set) => {
      this.hiding(set, scene, { depths: depth, lashes });
      set.real("levels", ...HOLLOWS.map((reach) => Math.log2(1 + 2 * this.cells(depth, reach))));
    });
    this.wall(programs.wall, wall, lashes, scene);
    this.copy(wall, grey);
    const material = (set) => {
      this.material(set, scene);
      set.texture("hidden", hidden);
      set.real("exposure", EXPOSURE);
    };
    this.skin(programs.skin, grey, mesh, turn, material);
    this.pass(programs.parts, grey, turn, null, this.head.ranges.parts, material);
    this.copy(grey, null);
  }

  /** Put a target's picture on another target, or on the canvas, which counts rows upwards. */
  copy(from, to) {
    const { gl } = this, { width, height } = to ?? from;
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, from.frame);
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, to?.frame ?? null);
    gl.blitFramebuffer(0, 0, from.width, from.height, 0, to ? 0 : height, width, to ? height : 0, gl.COLOR_BUFFER_BIT, to ? gl.LINEAR : gl.NEAREST);
  }

  draw(scene, size, samples, target) {
    const { gl } = this, fine = size * samples, name = (part) => `${part}${size}x${samples}`;
    const turn = rotation(scene.pose), depth = this.gather(name("mesh"), fine, turn);
    const lashes = this.target(name("lashes"), fine, fine, gl.RGBA8, true);
    const light = this.target(name("light"), fine, fine, this.one, depth);
    this.pass(this.programs.lash, lashes, turn, 0, this.head.ranges.lashes, (set) => set.texture("depths", depth));
    const near = this.hollows(name("near"), depth);
    gl.enable(gl.DEPTH_TEST); // only where no face is
    this.wall(this.programs.wall, light, lashes, scene);
    gl.disable(gl.DEPTH_TEST);
    const material = (set) => {
      this.material(set, scene);
      this.hiding(set, scene, { lashes, depths: depth, near1: near[0], near2: near[1] });
    };
    this.skin(this.programs.skin, light, depth, turn, material);
    this.pass(this.programs.parts, light, turn, null, this.head.ranges.parts, material);
    const tones = this.target(name("tones"), size, size, this.one);
    this.fill(this.programs.develop, tones, (set) => {
      set.texture("linear", light);
      set.whole("samples", samples);
      set.real("exposure", EXPOSURE);
    });
    this.fill(this.programs.blur, target ?? { frame: null, width: size, height: size }, (set) => {
      set.texture("tones", tones);
      set.real("aside", ASIDE);
      set.whole("flip", target ? 0 : 1);
    });
  }

  /** Draw the mesh into maps of depth, normals and places on the template. */
  gather(name, side, turn) {
    const { gl } = this, target = this.target(name, side, side, [this.one, gl.RGBA32F, gl.RGBA32F], true);
    this.pass(this.programs.gather, target, turn, BACKGROUND, this.head.ranges.solid);
    return target;
  }

  /** Shade what was gathered, wherever the mesh stands; its other parts are drawn over it. */
  skin(shader, target, mesh, turn, settings) {
    const { gl } = this;
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.GREATER);
    gl.depthMask(false);
    this.fill(shader, target, (set) => {
      gl.uniformMatrix3fv(set.place("turn"), true, turn);
      set.texture("facing", mesh.textures[1]);
      set.texture("place", mesh.textures[2]);
      settings(set);
    });
    gl.depthMask(true);
    gl.depthFunc(gl.LEQUAL);
    gl.disable(gl.DEPTH_TEST);
  }

  /** Draw a range of the mesh. `clear`: value the target starts from; null to draw what is nearest over what stands there. */
  pass(shader, target, turn, clear, [start, count], settings = () => {}) {
    const { gl, person } = this, set = this.use(shader, target);
    gl.uniformMatrix3fv(set.place("turn"), true, turn);
    set.real("box", person.centre, person.half);
    settings(set);
    gl.enable(gl.CULL_FACE);
    gl.frontFace(gl.CW); // rows run downwards
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
    gl.clearColor(clear ?? 0, 0, 0, 0);
    if (clear !== null) gl.clear(gl.DEPTH_BUFFER_BIT | gl.COLOR_BUFFER_BIT);
    gl.bindVertexArray(this.mesh);
    gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_SHORT, 2 * start);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.CULL_FACE);
  }

  /** Mean depths over the reaches of HOLLOWS. */
  hollows(name, depth) {
    return HOLLOWS.map((reach) => this.hollow(name + reach, depth, this.cells(depth, reach)));
  }

  cells(depth, reach) {
    return Math.max(1, Math.round(depth.width / PICTURE_WIDTH * reach));
  }

  hollow(name, depth, cells) {
    const stride = Math.max(1, cells >> 1), places = Math.floor((depth.width - 1) / stride) + 1;
    const half = this.target(`${name}half`, places, depth.height, this.one), whole = this.target(name, places, places, this.one);
    for (const [source, target, x, y] of [[depth, half, 1, 0], [half, whole, 0, 1]]) {
      this.fill(this.programs.pool, target, (set) => {
        set.texture("source", source);
        this.gl.uniform2i(set.place("along"), x, y);
        set.whole("reach", cells);
        set.whole("stride", stride);
        set.real("farthest", CAPPED);
      });
    }
    return whole;
  }

  chart(set) {
    const { left, top, scale, size: [width, height] } = this.head.rig.chart, { strands } = this.person;
    set.real("chart", left, top, width / scale, height / scale);
    set.texture("strandMap", this.textures.strands);
    set.real("strandScale", strands.low, strands.range);
  }

  wall(shader, light, lashes, scene) {
    const { person } = this, fine = light.width, pixels = fine / 2 / person.half;
    this.fill(shader, light, (set) => {
      this.chart(set);
      set.real("exposure", EXPOSURE);
      const eyes = fine * (0.5 - (7.285 - person.centre) / person.half / 2);
      set.real("place", pixels, eyes, fine / 2 + 0.3 * pixels * scene.pose[0] * Math.PI / 180, person.long_hair ? 1 : 0);
      set.real("hair", person.hair_darkness, person.hair_volume);
      set.real("level", WALL_LEVEL);
      set.texture("lashes", lashes);
    });
  }

  /** What hides the sky and the lamp. */
  hiding(set, scene, maps) {
    set.real("towards", ...towards(scene));
    set.real("pixelsPerDm", maps.depths.width / 2 / this.person.half);
    for (const [name, map] of Object.entries(maps)) set.texture(name, map);
  }

  material(set, scene) {
    const { person } = this, { chart, lined } = this.head.rig, dm = 1 / chart.scale;
    this.chart(set);
    set.real("towards", ...towards(scene));
    set.real("share", scene.contrast);
    set.real("paintScale", person.paint.low, person.paint.range);
    set.real("lined", chart.left + lined[0] * dm, chart.top - lined[1] * dm, lined[2] * dm, lined[3] * dm);
    const skin = 0.09 + 0.44 * person.skin_tone ** 1.15;
    set.real("tones", Math.min(skin / 0.30, 1) ** 0.45, (0.30 / skin) ** 0.62);
    set.real("person1", skin, person.lip_darkness, person.hair_darkness, person.iris_darkness);
    set.real("person2", person.hairline, person.teeth);
    set.texture("paintMap", this.textures.paint);
    set.texture("foldMap", this.textures.folds);
  }

  fill(shader, target, settings) {
    const { gl } = this;
    settings(this.use(shader, target));
    gl.bindVertexArray(this.empty);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  use(shader, { frame, width, height }) {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame);
    gl.viewport(0, 0, width, height);
    gl.useProgram(shader);
    return new Settings(gl, shader);
  }

  /** Textures to draw into, made once per name and size; `formats`: one or a list. `deep`: with a depth buffer, its own or another target's. */
  target(name, width, height, formats, deep = false, levels = 1) {
    const { gl } = this, old = this.targets.get(name);
    if (old?.width === width && old.height === height) return old;
    if (old) discard(gl, old);
    const made = { width, height, frame: gl.createFramebuffer(), deep: deep?.deep ?? (deep && gl.createRenderbuffer()) };
    gl.bindFramebuffer(gl.FRAMEBUFFER, made.frame);
    made.textures = [formats].flat().map((format, i) => {
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texStorage2D(gl.TEXTURE_2D, levels, format, width, height);
      parameters(gl, gl.TEXTURE_2D, format === gl.RGBA32F ? gl.NEAREST : gl.LINEAR);
      if (levels > 1) gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + i, gl.TEXTURE_2D, texture, 0);
      return texture;
    });
    made.texture = made.textures[0];
    gl.drawBuffers(made.textures.map((_, i) => gl.COLOR_ATTACHMENT0 + i));
    if (deep) {
      gl.bindRenderbuffer(gl.RENDERBUFFER, made.deep);
      if (deep === true) gl.renderbufferStorage(gl.RENDERBUFFER, gl.DEPTH_COMPONENT24, width, height);
      gl.framebufferRenderbuffer(gl.FRAMEBUFFER, gl.DEPTH_ATTACHMENT, gl.RENDERBUFFER, made.deep);
    }
    this.targets.set(name, made);
    return made;
  }

  /** Wait until all drawing is done. */
  finish() {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  /** Free the graphics memory. */
  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** Direction of the lamp. */
function towards({ light }) {
  const [azimuth, elevation] = light.map((angle) => angle * Math.PI / 180), flat = Math.cos(elevation);
  return [Math.sin(azimuth) * flat, Math.sin(elevation), Math.cos(azimuth) * flat];
}
