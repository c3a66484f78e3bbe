// The head: who moves what. Mirrors fer_lib/faces/rig.py and identity.py: AUs → facial actions → vertices and normals.
import { real, unpack } from "./packed.js";

const SKIN = 0, EYES = [1, 2], LOWER_LASHES = [3, 5], UPPER_LASHES = [4, 6];
const EYE_HEIGHT = 7.285, EYE_LIFT = 0.255, HALF_BOX = 0.77; // dm, dm, shares of the eye–chin distance (render.py)

/** The mesh and its actions, from lab_head. AU tables are Float32Arrays (2 × A): the subject's left side, then right. */
export class Head {
  constructor(manifest, bytes) {
    const about = manifest.files["lab_head.bin.gz"], stored = unpack(bytes, about), { arrays } = about;
    this.rig = manifest.rig;
    this.aus = manifest.aus.map((unit) => unit.au);
    const [x, y, z] = ["x", "y", "z"].map((axis) => real(stored[`template.${axis}`], arrays[`template.${axis}`]));
    this.count = x.length;
    this.template = Float32Array.from({ length: 3 * this.count }, (_, i) => [x, y, z][i % 3][(i / 3) | 0]);
    Object.assign(this, { part: stored.part, masks: stored.masks, lash: stored.lash, triangles: stored.triangles });
    this.lines = sparse(stored.wrinkles, arrays.wrinkles.shape, arrays.wrinkles.scale);
    this.actions = { starts: stored["action.starts"], vertices: stored["action.vertices"],
      offsets: stored["action.offsets"], scale: arrays["action.offsets"].scale };
    this.sort();
    this.eyes = EYES.map((part) => [...this.part.keys()].filter((vertex) => this.part[vertex] === part));
  }

  /** Corners in the order they are drawn: `ranges` of `order`, as [start, count]. Lower lashes are too fine to show. */
  sort() {
    const { triangles, part } = this, of = (wanted) => triangles.filter((_, i) => wanted(part[triangles[i - i % 3]]));
    const skin = of((own) => own === SKIN), lashes = of((own) => UPPER_LASHES.includes(own));
    const parts = of((own) => ![SKIN, ...LOWER_LASHES, ...UPPER_LASHES].includes(own)), solid = skin.length + parts.length;
    this.order = new Uint16Array([...skin, ...parts, ...lashes]);
    this.ranges = { skin: [0, skin.length], parts: [skin.length, parts.length], solid: [0, solid], lashes: [solid, lashes.length] };
  }

  /** A person of lab.json with their file: resting vertices, the picture's box, paint. */
  person(about, file, bytes) {
    const stored = unpack(bytes, file), rest = real(stored.neutral, file.arrays.neutral);
    for (let i = 0; i < rest.length; i++) rest[i] += this.template[i];
    const drop = EYE_HEIGHT - rest[3 * this.rig.chin + 1];
    const map = (name) => ({ pixels: stored[name], height: file.arrays[name].shape[0], width: file.arrays[name].shape[1],
      low: file.arrays[name].offset, range: file.arrays[name].scale * 255 });
    return { ...about, rest, centre: EYE_HEIGHT - EYE_LIFT * drop, half: HALF_BOX * drop, paint: map("paint"), strands: map("strands") };
  }

  /** AU table → weights of facial actions, [left, right] of each. */
  weights(aus) {
    const total = Object.fromEntries(this.rig.actions.map((name) => [name, [0, 0]])), width = this.aus.length;
    this.aus.forEach((au, column) => {
      for (const [name, weight] of Object.entries(this.rig.au_actions[au])) {
        for (const side of [0, 1]) total[name][side] += weight * aus[side * width + column];
      }
    });
    const at = (au, side) => aus[side * width + this.aus.indexOf(au)];
    const together = (at(12, 0) * at(25, 0) + at(12, 1) * at(25, 1)) / 2; // a smile with parted lips shows the teeth
    for (const side of [0, 1]) {
      total.jawOpen[side] += 0.10 * together;
      total.mouthLowerDown[side] += 0.35 * together;
      total.mouthUpperUp[side] += 0.35 * together;
      total.eyeBlink[side] = Math.min(total.eyeBlink[side], 1);
      total.eyeWide[side] *= 1 - total.eyeBlink[side];
    }
    return total;
  }

  /** Vertices of a person showing AUs, head not turned: positions and normals, 3 numbers a vertex. */
  pose(person, aus) {
    const positions = person.rest.slice(), { starts, vertices, offsets, scale } = this.actions, total = this.weights(aus);
    this.rig.actions.forEach((name, action) => {
      for (const side of [0, 1]) {
        const weight = total[name][side] * scale, half = 2 * action + side;
        if (weight === 0) continue;
        for (let i = starts[half]; i < starts[half + 1]; i++) {
          const to = 3 * vertices[i];
          for (const axis of [0, 1, 2]) positions[to + axis] += weight * offsets[3 * i + axis];
        }
      }
    });
    return { positions, normals: this.normals(positions), eyes: this.eyeFrames(positions) };
  }

  /** Area-weighted unit normals. */
  normals(p) {
    const sum = new Float32Array(p.length), { triangles } = this;
    for (let t = 0; t < triangles.length; t += 3) {
      const a = 3 * triangles[t], b = 3 * triangles[t + 1], c = 3 * triangles[t + 2];
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const nx = uy * vz - uz * vy, ny = uz * vx - ux * vz, nz = ux * vy - uy * vx;
      sum[a] += nx; sum[a + 1] += ny; sum[a + 2] += nz;
      sum[b] += nx; sum[b + 1] += ny; sum[b + 2] += nz;
      sum[c] += nx; sum[c + 1] += ny; sum[c + 2] += nz;
    }
    for (let i = 0; i < sum.length; i += 3) {
      const length = Math.hypot(sum[i], sum[i + 1], sum[i + 2]) || 1;
      for (const axis of [0, 1, 2]) sum[i + axis] /= length;
    }
    return sum;
  }

  /** Eye vertices from the middle of their ball, zero elsewhere: the iris looks along +z. */
  eyeFrames(p) {
    const local = new Float32Array(p.length);
    for (const own of this.eyes) {
      for (const axis of [0, 1, 2]) {
        const middle = own.reduce((sum, vertex) => sum + p[3 * vertex + axis], 0) / own.length;
        for (const vertex of own) local[3 * vertex + axis] = p[3 * vertex + axis] - middle;
      }
    }
    return local;
  }

  /** Relief of the skin in the window of lines: slope along x, along y, depth of the valley floors; RGB rows downwards. */
  folds(person, aus) {
    const { rig, lines: { width, height, layers } } = this, across = this.aus.length;
    const relief = new Float32Array(width * height), values = new Float32Array(3 * width * height);
    const left = Float32Array.from({ length: width }, (_, x) => // share of the left side's intensity, soft over the midline
      1 / (1 + Math.exp(-(rig.chart.left + (rig.lined[0] + x + 0.5) / rig.chart.scale) / 0.012)));
    rig.lined_aus.forEach((au, layer) => {
      const [l, r] = [0, 1].map((side) => person.wrinkles * aus[side * across + this.aus.indexOf(au)]);
      if (l || r) layers[layer].places.forEach((place, i) => {
        relief[place] += layers[layer].heights[i] * (r + left[place % width] * (l - r));
      });
    });
    const rise = rig.height_at_one * rig.chart.scale / 2;
    for (let i = width; i < relief.length - width; i++) { // all is flat at the window's border
      values[3 * i] = (relief[i + 1] - relief[i - 1]) * rise;
      values[3 * i + 1] = (relief[i - width] - relief[i + width]) * rise;
      values[3 * i + 2] = Math.max(-relief[i], 0);
    }
    return { values, width, height };
  }
}

/** Where each layer of lines is not flat: most of the window is. */
function sparse(stored, [count, height, width], scale) {
  const layers = Array.from({ length: count }, (_, layer) => {
    const own = stored.subarray(layer * width * height, (layer + 1) * width * height);
    const places = Uint32Array.from([...own.keys()].filter((place) => own[place]));
    return { places, heights: Float32Array.from(places, (place) => own[place] * scale) };
  });
  return { width, height, layers };
}

/** Yaw to the viewer's right, pitch up, roll clockwise, in degrees → 9 numbers, row by row, applied as v · R. */
export function rotation([yaw, pitch, roll]) {
  const [a, b, c] = [yaw, pitch, roll].map((angle) => angle * Math.PI / 180);
  const y = [[Math.cos(a), 0, -Math.sin(a)], [0, 1, 0], [Math.sin(a), 0, Math.cos(a)]];
  const x = [[1, 0, 0], [0, Math.cos(b), -Math.sin(b)], [0, Math.sin(b), Math.cos(b)]];
  const z = [[Math.cos(c), -Math.sin(c), 0], [Math.sin(c), Math.cos(c), 0], [0, 0, 1]];
  const times = (m, n) => m.map((row) => [0, 1, 2].map((j) => row[0] * n[0][j] + row[1] * n[1][j] + row[2] * n[2][j]));
  return times(times(z, x), y).flat();
}
