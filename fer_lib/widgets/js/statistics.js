// The statistics of fer_lib.interpret (measures, divergence, permutation) for one filter and one action unit at a time.
// Same definitions: mid-ranks, 20 equal-width bins with 0.5 added to each, label rows traded between whole sequences.
// `x`: activations of N pictures; `y`: 1 or 0 for each, whether the action unit is present. No variation gives NaN.

export function mean(x) {
  let sum = 0;
  for (const value of x) sum += value;
  return sum / x.length;
}

/** Standard deviation with N − 1. */
export function sd(x) {
  const middle = mean(x);
  let sum = 0;
  for (const value of x) sum += (value - middle) ** 2;
  return Math.sqrt(sum / (x.length - 1));
}

/** Ranks from 1, ties share their mean. */
export function ranks(x) {
  const order = Uint32Array.from(x, (_, place) => place).sort((a, b) => x[a] - x[b]);
  const out = new Float64Array(x.length);
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && x[order[end]] === x[order[start]]) end++;
    for (let k = start; k < end; k++) out[order[k]] = (start + end + 1) / 2;
    start = end;
  }
  return out;
}

function split(y) {
  let present = 0;
  for (const label of y) present += label;
  return [present, y.length - present];
}

/** Chance that a picture with the action unit excites the filter more than one without; ties count half. */
export function auroc(x, y, ranked = ranks(x)) {
  const [present, absent] = split(y);
  if (!present || !absent) return NaN;
  let sum = 0;
  for (let n = 0; n < x.length; n++) if (y[n]) sum += ranked[n];
  return (sum - (present * (present + 1)) / 2) / (present * absent);
}

/** Σ (recall step) × precision over falling thresholds, tied activations taken together. */
export function averagePrecision(x, y) {
  const order = Uint32Array.from(x, (_, place) => place).sort((a, b) => x[b] - x[a]);
  const [present] = split(y);
  let hits = 0, before = 0, sum = 0;
  for (let k = 0; k < order.length; k++) {
    hits += y[order[k]];
    if (k + 1 < order.length && x[order[k + 1]] === x[order[k]]) continue;
    sum += ((hits - before) * hits) / (k + 1);
    before = hits;
  }
  return present && !constant(x) ? sum / present : NaN;
}

function constant(x) {
  return x.every((value) => value === x[0]);
}

export function pearson(x, y) {
  if (constant(x) || constant(y)) return NaN;
  const mx = mean(x), my = mean(y);
  let xy = 0, xx = 0, yy = 0;
  for (let n = 0; n < x.length; n++) {
    const dx = x[n] - mx, dy = y[n] - my;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx && yy ? xy / Math.sqrt(xx * yy) : NaN;
}

/** Partial r of x and column `which` of `labels` (a list of 0/1 columns), given all other columns. */
export function partialR(x, labels, which) {
  const others = labels.filter((column, place) => place !== which && split(column).every(Boolean));
  const [a, b] = [x, labels[which]].map((target) => residual(target, others));
  return dot(b, b) < 1e-8 * labels[which].length ? NaN : pearson(a, b);
}

function dot(a, b) {
  let sum = 0;
  for (let n = 0; n < a.length; n++) sum += a[n] * b[n];
  return sum;
}

/** What is left of x once the columns (and a constant) have said what they can: modified Gram–Schmidt. */
function residual(x, columns) {
  const centred = (column) => { const middle = mean(column); return Float64Array.from(column, (value) => value - middle); };
  const basis = [];
  const rest = (vector) => {
    for (const unit of basis) {
      const share = dot(vector, unit);
      for (let n = 0; n < vector.length; n++) vector[n] -= share * unit[n];
    }
    return vector;
  };
  for (const column of columns) {
    const left = rest(rest(centred(column))), length = Math.sqrt(dot(left, left));
    if (length > 1e-6 * Math.sqrt(column.length)) basis.push(left.map((value) => value / length));
  }
  return rest(centred(x));
}

export const BINS = 20, SMOOTHING = 0.5;

/** Counts of x in equal-width bins between its extremes, with and without the action unit. */
export function histograms(x, y, bins = BINS) {
  let low = Infinity, high = -Infinity;
  for (const value of x) { low = Math.min(low, value); high = Math.max(high, value); }
  const present = new Float64Array(bins), absent = new Float64Array(bins);
  for (let n = 0; n < x.length; n++) (y[n] ? present : absent)[bin(x[n], low, high, bins)]++;
  return { present, absent, low, high };
}

function bin(value, low, high, bins) {
  return Math.min(bins - 1, Math.floor(((value - low) / (high > low ? high - low : 1)) * bins)); // in Python's order
}

/** The paper's D(with ‖ without) of two histograms, nats. */
export function divergence(present, absent) {
  const total = (counts) => counts.reduce((sum, count) => sum + count, 0) + SMOOTHING * counts.length;
  const all = total(present), none = total(absent);
  let sum = 0;
  for (let k = 0; k < present.length; k++) {
    const q = (present[k] + SMOOTHING) / all, r = (absent[k] + SMOOTHING) / none;
    sum += q * Math.log(q / r);
  }
  return sum;
}

export function klDivergence(x, y) {
  const { present, absent } = histograms(x, y);
  return split(y).every(Boolean) && !constant(x) ? divergence(present, absent) : NaN;
}

/** A seeded stream of numbers in 0 … 1 (mulberry32), so that a test can be repeated. */
export function stream(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffle(list, random) {
  for (let k = list.length - 1; k > 0; k--) {
    const other = Math.floor(random() * (k + 1));
    [list[k], list[other]] = [list[other], list[k]];
  }
  return list;
}

/** Rows of each sequence, sequences of equal length together: those that may trade their labels. */
export function exchangeable(sequence) {
  const members = new Map();
  sequence.forEach((name, row) => { if (!members.has(name)) members.set(name, []); members.get(name).push(row); });
  const tables = new Map();
  for (const rows of members.values()) tables.set(rows.length, [...(tables.get(rows.length) ?? []), rows]);
  return [...tables.values()];
}

/** (N,) the row that each row takes its label from, in one random exchange. */
export function exchange(tables, random, out) {
  for (const table of tables) {
    const source = shuffle(table.map((_, place) => place), random);
    table.forEach((rows, g) => rows.forEach((row, k) => { out[row] = table[source[g]][k]; }));
  }
  return out;
}

/** [mean, standard deviation] of Σ x[n] · y[source(n)] over all exchanges, exactly: see Shuffle.moments in Python. */
export function moments(x, y, tables) {
  let middle = 0, variance = 0;
  for (const table of tables) {
    const frames = table[0].map((_, k) => k), groups = table.length;
    const columns = (values) => frames.map((k) => Float64Array.from(table, (rows) => values[rows[k]]));
    const off = (sides) => sides.map((column) => { const m = mean(column); return column.map((value) => value - m); });
    const left = columns(x), right = columns(y), [a, b] = [off(left), off(right)];
    for (const k of frames) {
      middle += groups * mean(left[k]) * mean(right[k]);
      for (const l of frames) variance += dot(a[k], a[l]) * dot(b[k], b[l]) / Math.max(groups - 1, 1);
    }
  }
  return [middle, Math.sqrt(Math.max(variance, 0))];
}

/** Permutation test of filter `chosen` among `filters` (lists of activations) for one action unit, two-sided by ranks.

    {auroc, p, expected, nullLow, nullHigh, kl, klExcess, chance, best}: `expected`, the mean AUROC under exchange, from
    which all distances are counted, in units of the spread there; `p` for the pair alone; 95 % of the AUROCs under
    exchange lie in nullLow … nullHigh; `chance`, how many of the filters look this good by chance (mean over
    exchanges); `best`, the share of exchanges in which any of them does. NaN where nothing can be said. */
export function permutationTest(filters, chosen, y, sequence, { draws = 500, seed = 0 } = {}) {
  const tables = exchangeable(sequence), random = stream(seed), source = new Uint32Array(y.length);
  const ranked = filters.map((x) => ranks(x)), under = ranked.map((x) => moments(x, y, tables));
  const [present, absent] = split(y), shift = (present * (present + 1)) / 2, pairs = present * absent;
  const extreme = (sum, f) => Math.abs(sum - under[f][0]) / (under[f][1] > 1e-6 ? under[f][1] : NaN);
  const observed = auroc(filters[chosen], y, ranked[chosen]);
  const size = extreme(observed * pairs + shift, chosen) - 1e-9;
  const { low, high } = histograms(filters[chosen], y);
  const bins = Array.from(filters[chosen], (value) => bin(value, low, high, BINS));
  const whole = new Float64Array(BINS);
  bins.forEach((k) => whole[k]++);
  let own = 0, count = 0, any = 0, kl = 0;
  const labelled = new Uint32Array(present);
  for (let draw = 0; draw < draws; draw++) {
    exchange(tables, random, source);
    let filled = 0;
    for (let n = 0; n < y.length; n++) if (y[source[n]]) labelled[filled++] = n;
    const inside = new Float64Array(BINS);
    for (const n of labelled) inside[bins[n]]++;
    kl += divergence(inside, whole.map((total, k) => total - inside[k]));
    let hits = 0;
    for (let f = 0; f < ranked.length; f++) {
      let sum = 0;
      const x = ranked[f];
      for (let k = 0; k < present; k++) sum += x[labelled[k]];
      if (extreme(sum, f) >= size) { hits++; if (f === chosen) own++; }
    }
    count += hits;
    any += hits > 0;
  }
  const expected = (under[chosen][0] - shift) / pairs, half = 1.96 * under[chosen][1] / pairs;
  const value = klDivergence(filters[chosen], y), known = Number.isNaN(size) ? NaN : 1;
  return {
    auroc: observed, p: known * (own + 1) / (draws + 1), draws, kl: value, klExcess: value - kl / draws,
    expected, nullLow: expected - half, nullHigh: expected + half,
    chance: known * count / draws, best: known * (any + 1) / (draws + 1),
  };
}
