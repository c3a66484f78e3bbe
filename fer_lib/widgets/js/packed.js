// Files that tools/make_lab_assets.py packs: gzip around arrays whose types, shapes and places lab.json lists.

const TYPES = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, uint32: Uint32Array, float16: Uint16Array,
  float32: Float32Array };

/** The file's bytes unzipped. Rejects, naming the file, when they are damaged or not the ones the manifest lists. */
export async function unzip(buffer, about, name) {
  try {
    const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = await new Response(stream).arrayBuffer();
    if (bytes.byteLength === about.bytes) return bytes;
  } catch { /* said below */ }
  throw new Error(`${name} is damaged or of another version. Reload the page; if that does not help, build it again.`);
}

/** name → typed array over the unzipped bytes; float16 stays as its bits (see `widen`). */
export function unpack(bytes, about) {
  const found = {};
  for (const [name, { type, shape, at }] of Object.entries(about.arrays)) {
    found[name] = new TYPES[type](bytes, at, shape.reduce((a, b) => a * b, 1));
  }
  return found;
}

/** Real numbers of a quantised array: offset + scale · stored. */
export function real(stored, { scale = 1, offset = 0 }) {
  return Float32Array.from(stored, (value) => offset + scale * value);
}

/** float16 bits → numbers. Subnormals are exact; infinities do not occur in weights. */
export function widen(bits) {
  const wide = new Float32Array(bits.length), pattern = new Uint32Array(wide.buffer);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i] & 0x8000) << 16, exponent = (bits[i] >> 10) & 31, fraction = bits[i] & 1023;
    if (exponent) pattern[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    else wide[i] = (sign ? -1 : 1) * fraction * 2 ** -24;
  }
  return wide;
}
