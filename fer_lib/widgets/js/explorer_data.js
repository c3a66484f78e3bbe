// What tools/make_explorer_data.py keeps in assets/explorer*: read once, given to both explorers.
import { asset, jsonAsset } from "./assets.js";
import { unpack, unzip } from "./packed.js";

/** {about, labels, faces, network(place), looks(layer), picture(…)}: see fer_lib/widgets/explorer_data.py. */
export async function openExplorer(model) {
  const about = await jsonAsset(model, "explorer.json");
  const read = async (name) => {
    const entry = about.files[name];
    return { entry, arrays: unpack(await unzip(await asset(model, name), entry, name), entry) };
  };
  const once = (load) => { const kept = new Map(); return (key) => { if (!kept.has(key)) kept.set(key, load(key)); return kept.get(key); }; };
  const labels = (await read("explorer_labels.bin.gz")).arrays;
  const faces = await bitmap((await read("explorer_faces.bin.gz")).arrays.faces, "explorer_faces.bin.gz");
  return {
    about,
    labels: { ...labels, presence: columns(labels.presence, about.data.images) },
    faces: { image: faces, size: about.data.size, columns: about.columns },
    network: once(async (place) => openNetwork(about, await read(about.networks[place].file))),
    looks: once(async (layer) => openLooks(about, layer, await read(about.networks[0].looks[layer]))),
  };
}

async function bitmap(bytes, name) {
  try {
    return await createImageBitmap(new Blob([bytes], { type: "image/webp" }));
  } catch {
    throw new Error(`${name} is damaged: its pictures cannot be read. Reload the page; if that does not help, build it again.`);
  }
}

function columns(flat, length) {
  return Array.from({ length: flat.length / length }, (_, k) => flat.subarray(k * length, (k + 1) * length));
}

function openNetwork(about, { entry, arrays }) {
  const [count, pictures] = entry.arrays.maxima.shape;
  const activations = columns(arrays.maxima, pictures);
  const aus = about.aus.length;
  return {
    ...arrays, count,
    /** Activations of a filter in steps from its least to its largest: every statistic here is the same in any unit. */
    activations: (filter) => activations[filter],
    all: activations,
    /** Activations in the network's own unit. */
    real: (filter, stored) => arrays.low[filter] + (stored / about.levels) * (arrays.high[filter] - arrays.low[filter]),
    at: (column, metric, filter, au) => arrays[`${column}.${metric}`]?.[filter * aus + au] ?? NaN,
  };
}

async function openLooks(about, layer, { entry, arrays }) {
  const maps = {};
  for (const name of ["deconvnet", "guided"]) maps[name] = await bitmap(arrays[`maps.${name}`], `maps of ${layer}`);
  const kernels = arrays.kernels ? await bitmap(arrays.kernels, "kernels") : null;
  const count = entry.arrays["order.raw.one"].shape[0], field = about.fields[layer];
  return {
    count, field, maps, kernels, columns: about.columns,
    /** A filter's top pictures: [{unit, image, y, x, score}], best first. `ranking` such as "raw.one". */
    top(filter, ranking) {
      const places = arrays[`order.${ranking}`].subarray(filter * about.top, (filter + 1) * about.top);
      return Array.from(places, (place) => {
        const unit = arrays.start[filter] + place;
        return { unit, image: arrays.image[unit], y: arrays.y[unit], x: arrays.x[unit],
          score: arrays[`score.${ranking.split(".")[0]}`][unit], raw: arrays["score.raw"][unit] };
      });
    },
  };
}

/** (left, top) in the picture of the receptive field of a unit, px; may lie outside. */
export function fieldOf(field, { y, x }) {
  return { left: field.stride * x - field.before, top: field.stride * y - field.before, size: field.size };
}

/** Draw tile number `number` of a mosaic whose tiles are `size` px into a square of the context. */
export function drawTile(context, mosaic, columns, size, number, left, top, side) {
  const row = Math.floor(number / columns), column = number % columns;
  context.drawImage(mosaic, column * size, row * size, size, size, left, top, side, side);
}

export function drawFace(context, faces, number, left, top, side) {
  drawTile(context, faces.image, faces.columns, faces.size, number, left, top, side);
}

/** The part of a face that a unit saw; black where its field lies outside the picture. */
export function drawCrop(context, faces, number, box, left, top, side) {
  const x0 = Math.max(0, box.left), y0 = Math.max(0, box.top);
  const x1 = Math.min(faces.size, box.left + box.size), y1 = Math.min(faces.size, box.top + box.size);
  const scale = side / box.size, row = Math.floor(number / faces.columns), column = number % faces.columns;
  context.fillStyle = "#000";
  context.fillRect(left, top, side, side);
  context.drawImage(faces.image, column * faces.size + x0, row * faces.size + y0, x1 - x0, y1 - y0,
    left + (x0 - box.left) * scale, top + (y0 - box.top) * scale, (x1 - x0) * scale, (y1 - y0) * scale);
}

/** Numbers of the `count` pictures that excite most, one a sequence, among those where `wanted(n)`. */
export function topPictures(x, sequence, wanted, count) {
  const order = Array.from(x, (_, n) => n).filter(wanted).sort((a, b) => x[b] - x[a]);
  const seen = new Set(), out = [];
  for (const n of order) {
    if (out.length === count) break;
    if (!seen.has(sequence[n])) { seen.add(sequence[n]); out.push(n); }
  }
  return out;
}
