// The paper's network in the page: network.wasm does the arithmetic, `Network` hands it memory. One forward pass keeps
// the rectified planes, so that units can be decoded after it. Shared by every widget that shows the network.
import { unpack, unzip, widen } from "./packed.js";

/** A network ready to run; a worker runs its source text, so it leans on nothing but `softmax` and `spread`. Say once which picture (`predict`); then ask about its units (`decode`). */
export class Network {
  /** `wasm`: bytes of network.wasm. `weights`: name → Float32Array as packed. `size`: side of the picture in pixels. */
  static async make(wasm, weights, size) {
    const { instance } = await WebAssembly.instantiate(wasm, {});
    return new Network(instance.exports, weights, size);
  }

  constructor(code, weights, size) {
    this.code = code;
    this.size = size;
    this.top = code.__heap_base.value ?? code.__heap_base;
    this.filters = [weights.conv1.length / 25];
    this.filters.push(weights.conv2.length / 25 / this.filters[0]);
    this.filters.push(weights.conv3.length / 25 / this.filters[1]);
    this.hidden = weights["fc4.bias"].length;
    this.classes = weights["output.bias"].length;
    this.reserve(weights);
    this.at.second = this.place(spread(weights.conv2, this.filters[0]));
    this.at.spots2 = this.spots(this.at.conv2, this.filters[0], this.filters[1]);
    this.at.spots3 = this.spots(this.at.conv3, this.filters[1], this.filters[2]);
  }

  /** A layer's weights as `convolve` reads them: at 36 spots. */
  spots(weights, inputs, filters) {
    const at = this.take(36 * inputs * filters);
    this.code.spread_weights(weights, at, inputs, filters);
    return at;
  }

  reserve(weights) {
    const { size } = this, [first, deep, last] = this.filters, half = size / 2, quarter = size / 4;
    const room = { grey: size * size / 4, rows: size * size, input: (size + 4) ** 2, plane1: size * size * first,
      below2: (half + 4) ** 2 * first, plane2: half * half * deep, below3: (quarter + 4) ** 2 * deep,
      plane3: quarter * quarter * last, pooled: 4 * last, best: last, place: last, hidden: this.hidden,
      logits: this.classes, middle: 14 * 14 * first, patch: 32 * 32, spread: 36 * 12 * deep, product: 36 * 12 * last };
    this.at = {};
    for (const [name, count] of Object.entries(room)) this.at[name] = this.take(count);
    for (const [name, values] of Object.entries(weights)) this.at[name] = this.place(values);
  }

  /** The place of `count` fresh floats, all zero. */
  take(count) {
    const at = (this.top + 15) & ~15;
    this.top = at + 4 * count;
    const { memory } = this.code, lacking = this.top - memory.buffer.byteLength;
    if (lacking > 0) memory.grow(Math.ceil(lacking / 65536));
    return at;
  }

  place(values) {
    const at = this.take(values.length);
    this.floats(at, values.length).set(values);
    return at;
  }

  floats(at, count) {
    return new Float32Array(this.code.memory.buffer, at, count);
  }

  /**
   * Forward pass of a grey picture, Uint8Array of size².
   * → { probabilities, logits, best and place (each conv3 filter's maximum and where: y·size/4 + x), input (size²) }
   */
  predict(grey) {
    const { code, at, size } = this, [first, deep, last] = this.filters;
    new Uint8Array(code.memory.buffer, at.grey, size * size).set(grey);
    code.prepare(at.grey, at.rows, at.input, size);
    code.convolve_first(at.input, at.conv1, at.plane1, size, first);
    code.pool(at.plane1, at.below2, size, first);
    code.convolve(at.below2, at.spots2, at.plane2, size / 2, first, deep, at.spread, at.product);
    code.pool(at.plane2, at.below3, size / 2, deep);
    code.convolve(at.below3, at.spots3, at.plane3, size / 4, deep, last, at.spread, at.product);
    code.quadrants(at.plane3, at.pooled, at.best, at.place, size / 4, last);
    code.dense(at.pooled, at["fc4.weight"], at["fc4.bias"], at.hidden, 4 * last, this.hidden, 1);
    code.dense(at.hidden, at["output.weight"], at["output.bias"], at.logits, this.hidden, this.classes, 0);
    return this.results();
  }

  results() {
    const { at, size } = this, last = this.filters[2], wide = size + 4;
    const logits = this.floats(at.logits, this.classes).slice(), input = new Float32Array(size * size);
    for (let y = 0; y < size; y++) input.set(this.floats(at.input + 4 * ((y + 2) * wide + 2), size), y * size);
    const place = new Int32Array(this.code.memory.buffer, at.place, last).slice();
    return { logits, probabilities: softmax(logits), best: this.floats(at.best, last).slice(), place, input };
  }

  /** What excites filter `filter` of conv3 at `place` of the last picture: 32 × 32, "deconvnet" or "guided". */
  decode(filter, place, method) {
    const { code, at, size } = this, [first, deep] = this.filters;
    code.decode(at.plane1, at.plane2, at.conv1, at.second, at.conv3, at.middle, at.patch, size, first, deep,
      filter, place, method === "guided" ? 1 : 0);
    return this.floats(at.patch, 32 * 32).slice();
  }
}

export function softmax(logits) {
  const top = Math.max(...logits), raised = Array.from(logits, (value) => Math.exp(value - top));
  const sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / sum);
}

/** conv2's weights from blocks (F/8, 25, inputs, 8) to filters × 25 × inputs, which the decoder reads. */
export function spread(blocks, inputs) {
  const filters = blocks.length / 25 / inputs, out = new Float32Array(blocks.length);
  for (let f = 0; f < filters; f++) {
    const own = (f >> 3) * 25 * inputs * 8 + (f & 7);
    for (let i = 0; i < 25 * inputs; i++) out[f * 25 * inputs + i] = blocks[own + i * 8];
  }
  return out;
}

/** Unzipped and widened weights, by name. */
export async function readWeights(buffer, manifest, name = "lab_network.bin.gz") {
  const about = manifest.files[name], bytes = await unzip(buffer, about, name);
  return Object.fromEntries(Object.entries(unpack(bytes, about)).map(([key, bits]) => [key, widen(bits)]));
}
