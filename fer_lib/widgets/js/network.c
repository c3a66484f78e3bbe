// The network's arithmetic for the page: local mean, convolutions, pooling, dense layers, decoder.
// tools/make_network_wasm.py makes network.wasm of it. Planes are rows × columns × channels, channels last, and what a
// convolution reads has 2 pixels of zeros around it. The page hands out the memory (network.js); no library is linked.
#include <wasm_simd128.h>

typedef unsigned char byte;
enum { PAD = 2, TAPS = 5, LANES = 8 };

// Grey picture (size²), 0–255 → [0, 2] minus its 5×5 box mean, zeros outside; `out` is padded. `rows` is scratch.
__attribute__((export_name("prepare")))
void prepare(const byte *grey, float *rows, float *out, int size) {
  int wide = size + 2 * PAD;
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x++) {
      float sum = 0;
      for (int at = y - 2; at <= y + 2; at++)
        if (at >= 0 && at < size) sum += grey[at * size + x] * (2.0f / 255);
      rows[y * size + x] = sum / TAPS;
    }
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x++) {
      float sum = 0;
      for (int at = x - 2; at <= x + 2; at++)
        if (at >= 0 && at < size) sum += rows[y * size + at];
      out[(y + PAD) * wide + x + PAD] = grey[y * size + x] * (2.0f / 255) - sum / TAPS;
    }
}

// Rectified 5×5 convolution of one plane: padded (size + 4)² → size² × filters. size: a multiple of 4; weights: 8 filters
// after 8 filters, 5 × 5 × 8.
__attribute__((export_name("convolve_first")))
void convolve_first(const float *in, const float *weights, float *out, int size, int filters) {
  v128_t zero = wasm_f32x4_const_splat(0);
  for (int f = 0; f < filters; f += LANES, weights += TAPS * TAPS * LANES)
    for (int at = 0; at < size * size; at += 4) {
      v128_t low[4] = {zero, zero, zero, zero}, high[4] = {zero, zero, zero, zero};
      for (int k = 0; k < TAPS * TAPS; k++) {
        const float *pixel = in + (at / size + k / TAPS) * (size + 2 * PAD) + at % size + k % TAPS;
        v128_t w0 = wasm_v128_load(weights + k * LANES), w1 = wasm_v128_load(weights + k * LANES + 4);
        for (int i = 0; i < 4; i++) {
          v128_t value = wasm_v128_load32_splat(pixel + i);
          low[i] = wasm_f32x4_add(low[i], wasm_f32x4_mul(value, w0));
          high[i] = wasm_f32x4_add(high[i], wasm_f32x4_mul(value, w1));
        }
      }
      for (int i = 0; i < 4; i++) {
        wasm_v128_store(out + (at + i) * filters + f, wasm_f32x4_max(low[i], zero));
        wasm_v128_store(out + (at + i) * filters + f + 4, wasm_f32x4_max(high[i], zero));
      }
    }
}

// Winograd's F(2×2, 5×5): 2 × 2 pixels of a 5×5 convolution from 6 × 6 of its input, at 36 multiplications a filter and
// input instead of 100. Points 0, 1, −1, 2, −2, ∞; in float32 it errs little more than the plain sum.
enum { SIDE = 6, SPOTS = SIDE * SIDE, TILES = 12 };
#define TIMES(vector, number) wasm_f32x4_mul(vector, wasm_f32x4_const_splat(number))
#define PLUS wasm_f32x4_add
#define LESS wasm_f32x4_sub

// Six values `step` apart → six spots.
static inline void spots(const v128_t *in, v128_t *out, int step) {
  v128_t a = in[0], b = in[step], c = in[2 * step], d = in[3 * step], e = in[4 * step], f = in[5 * step];
  v128_t near = LESS(e, TIMES(c, 4)), odd = LESS(d, TIMES(b, 4)), far = LESS(e, c), twice = TIMES(LESS(d, b), 2);
  out[0] = PLUS(LESS(TIMES(a, 4), TIMES(c, 5)), e);
  out[step] = PLUS(near, odd), out[2 * step] = LESS(near, odd);
  out[3 * step] = PLUS(far, twice), out[4 * step] = LESS(far, twice);
  out[5 * step] = PLUS(LESS(TIMES(b, 4), TIMES(d, 5)), f);
}

// Five weights `step` apart → six spots, `step` apart.
static inline void weight_spots(const v128_t *in, v128_t *out, int step) {
  v128_t a = in[0], b = in[step], c = in[2 * step], d = in[3 * step], e = in[4 * step];
  v128_t even = PLUS(PLUS(a, c), e), odd = PLUS(b, d);
  v128_t even2 = PLUS(a, PLUS(TIMES(c, 4), TIMES(e, 16))), odd2 = PLUS(TIMES(b, 2), TIMES(d, 8));
  out[0] = TIMES(a, 1.0f / 4);
  out[step] = TIMES(PLUS(even, odd), -1.0f / 6), out[2 * step] = TIMES(LESS(even, odd), -1.0f / 6);
  out[3 * step] = TIMES(PLUS(even2, odd2), 1.0f / 24), out[4 * step] = TIMES(LESS(even2, odd2), 1.0f / 24);
  out[5 * step] = e;
}

// Weights (filters / 8, 5 × 5, inputs, 8) → `out` (36, filters / 8, inputs, 8), once for a network.
__attribute__((export_name("spread_weights")))
void spread_weights(const float *weights, float *out, int inputs, int filters) {
  for (int at = 0; at < filters * inputs; at += 4) {  // 4 filters of one input
    int block = at / (LANES * inputs), rest = at % (LANES * inputs);
    const float *own = weights + block * TAPS * TAPS * LANES * inputs + rest;
    v128_t tap[TAPS * SIDE], half[SPOTS], spot[SPOTS];
    for (int y = 0; y < TAPS; y++)
      for (int x = 0; x < TAPS; x++) tap[y * SIDE + x] = wasm_v128_load(own + (y * TAPS + x) * inputs * LANES);
    for (int x = 0; x < TAPS; x++) weight_spots(tap + x, half + x, SIDE);
    for (int y = 0; y < SIDE; y++) weight_spots(half + y * SIDE, spot + y * SIDE, 1);
    for (int s = 0; s < SPOTS; s++) wasm_v128_store(out + s * filters * inputs + at, spot[s]);
  }
}

// One tile's 6 × 6 of the input (`wide` pixels a row) → its spots: out[spot · TILES · inputs + input].
static inline void spread_input(const float *in, float *out, int wide, int inputs) {
  for (int c = 0; c < inputs; c += 4) {
    v128_t pixel[SPOTS], half[SPOTS], spot[SPOTS];
    for (int y = 0; y < SIDE; y++)
      for (int x = 0; x < SIDE; x++) pixel[y * SIDE + x] = wasm_v128_load(in + (y * wide + x) * inputs + c);
    for (int x = 0; x < SIDE; x++) spots(pixel + x, half + x, SIDE);
    for (int y = 0; y < SIDE; y++) spots(half + y * SIDE, spot + y * SIDE, 1);
    for (int s = 0; s < SPOTS; s++) wasm_v128_store(out + s * TILES * inputs + c, spot[s]);
  }
}

// 4 tiles by 8 filters at one spot: in (4, inputs) · w (inputs, 8) → out, `filters` apart.
static inline void multiply(const float *in, const float *w, float *out, int inputs, int filters) {
  v128_t zero = wasm_f32x4_const_splat(0);
  v128_t a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
  for (int k = 0; k < inputs; k++, in++, w += LANES) {
    v128_t low = wasm_v128_load(w), high = wasm_v128_load(w + 4);
    v128_t a = wasm_v128_load32_splat(in), b = wasm_v128_load32_splat(in + inputs);
    v128_t c = wasm_v128_load32_splat(in + 2 * inputs), d = wasm_v128_load32_splat(in + 3 * inputs);
    a0 = PLUS(a0, wasm_f32x4_mul(a, low)), a1 = PLUS(a1, wasm_f32x4_mul(a, high));
    b0 = PLUS(b0, wasm_f32x4_mul(b, low)), b1 = PLUS(b1, wasm_f32x4_mul(b, high));
    c0 = PLUS(c0, wasm_f32x4_mul(c, low)), c1 = PLUS(c1, wasm_f32x4_mul(c, high));
    d0 = PLUS(d0, wasm_f32x4_mul(d, low)), d1 = PLUS(d1, wasm_f32x4_mul(d, high));
  }
  wasm_v128_store(out, a0), wasm_v128_store(out + 4, a1), out += filters;
  wasm_v128_store(out, b0), wasm_v128_store(out + 4, b1), out += filters;
  wasm_v128_store(out, c0), wasm_v128_store(out + 4, c1), out += filters;
  wasm_v128_store(out, d0), wasm_v128_store(out + 4, d1);
}

// Spots of TILES tiles → 2 × 2 rectified pixels of one of them: four filters.
static inline void gather(const float *in, float *out, int size, int filters) {
  v128_t half[2 * SIDE], zero = wasm_f32x4_const_splat(0);
  for (int x = 0; x < SIDE; x++) {
    v128_t s[SIDE];
    for (int y = 0; y < SIDE; y++) s[y] = wasm_v128_load(in + (y * SIDE + x) * TILES * filters);
    half[x] = PLUS(PLUS(s[0], PLUS(s[1], s[2])), PLUS(s[3], s[4]));
    half[SIDE + x] = PLUS(PLUS(LESS(s[1], s[2]), TIMES(LESS(s[3], s[4]), 2)), s[5]);
  }
  for (int y = 0; y < 2; y++, out += size * filters) {
    v128_t *s = half + y * SIDE;
    v128_t left = PLUS(PLUS(s[0], PLUS(s[1], s[2])), PLUS(s[3], s[4]));
    v128_t right = PLUS(PLUS(LESS(s[1], s[2]), TIMES(LESS(s[3], s[4]), 2)), s[5]);
    wasm_v128_store(out, wasm_f32x4_max(left, zero)), wasm_v128_store(out + filters, wasm_f32x4_max(right, zero));
  }
}

// Rectified 5×5 convolution without bias: padded (size + 4)² × inputs → size² × filters. size: even; `weights`: spread.
// Scratch: `spread` 36 · 12 · inputs, `product` 36 · 12 · filters.
__attribute__((export_name("convolve")))
void convolve(const float *in, const float *weights, float *out, int size, int inputs, int filters, float *spread,
              float *product) {
  int wide = size + 2 * PAD, across = size / 2, tiles = across * across;
  for (int first = 0; first < tiles; first += TILES) {
    int count = tiles - first < TILES ? tiles - first : TILES;
    for (int t = 0; t < count; t++) {
      int y = 2 * ((first + t) / across), x = 2 * ((first + t) % across);
      spread_input(in + (y * wide + x) * inputs, spread + t * inputs, wide, inputs);
    }
    for (int s = 0; s < SPOTS; s++)
      for (int f = 0; f < filters; f += LANES)
        for (int t = 0; t < TILES; t += 4)
          multiply(spread + (s * TILES + t) * inputs, weights + (s * filters + f) * inputs,
                   product + (s * TILES + t) * filters + f, inputs, filters);
    for (int t = 0; t < count; t++) {
      int y = 2 * ((first + t) / across), x = 2 * ((first + t) % across);
      for (int f = 0; f < filters; f += 4)
        gather(product + t * filters + f, out + (y * size + x) * filters + f, size, filters);
    }
  }
}

// 2×2 maxima: size² × channels → padded (size / 2 + 4)² × channels.
__attribute__((export_name("pool")))
void pool(const float *in, float *out, int size, int channels) {
  int half = size / 2, wide = half + 2 * PAD;
  for (int y = 0; y < half; y++)
    for (int x = 0; x < half; x++) {
      const float *at = in + (2 * y * size + 2 * x) * channels, *below = at + size * channels;
      float *to = out + ((y + PAD) * wide + x + PAD) * channels;
      for (int c = 0; c < channels; c += 4)
        wasm_v128_store(to + c, wasm_f32x4_max(
          wasm_f32x4_max(wasm_v128_load(at + c), wasm_v128_load(at + channels + c)),
          wasm_f32x4_max(wasm_v128_load(below + c), wasm_v128_load(below + channels + c))));
    }
}

// Maxima of the four quadrants (filter f owns 4f … 4f+3), and each filter's maximum and its place y·size + x.
__attribute__((export_name("quadrants")))
void quadrants(const float *in, float *out, float *best, int *place, int size, int filters) {
  for (int i = 0; i < 4 * filters; i++) out[i] = 0;
  for (int f = 0; f < filters; f++) best[f] = 0, place[f] = 0;
  for (int at = 0; at < size * size; at++) {
    int quadrant = 2 * (2 * (at / size) >= size) + (2 * (at % size) >= size);
    for (int f = 0; f < filters; f++) {
      float value = in[at * filters + f];
      if (value > out[4 * f + quadrant]) out[4 * f + quadrant] = value;
      if (value > best[f]) best[f] = value, place[f] = at;
    }
  }
}

// Dense layer, inputs a multiple of 4.
__attribute__((export_name("dense")))
void dense(const float *in, const float *weights, const float *bias, float *out, int inputs, int outputs, int rectify) {
  for (int o = 0; o < outputs; o++, weights += inputs) {
    v128_t sum = wasm_f32x4_const_splat(0);
    for (int i = 0; i < inputs; i += 4)
      sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_v128_load(in + i), wasm_v128_load(weights + i)));
    float value = bias[o] + wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1)
                + wasm_f32x4_extract_lane(sum, 2) + wasm_f32x4_extract_lane(sum, 3);
    out[o] = rectify && value < 0 ? 0 : value;
  }
}

// Where the pooled signal at (y, x, c) came from: the first maximum of the 2×2 window, as an offset into the plane,
// or -1 if the rule stops the signal there (guided: silent units stop it; both rules: only positive signals pass).
static inline int source(const float *plane, int size, int channels, int y, int x, int c, float signal, int guided) {
  if (signal <= 0) return -1;
  int corner = (2 * y * size + 2 * x) * channels + c, right = channels, down = size * channels;
  int best = corner;
  if (plane[corner + right] > plane[best]) best = corner + right;
  if (plane[corner + down] > plane[best]) best = corner + down;
  if (plane[corner + down + right] > plane[best]) best = corner + down + right;
  return guided && plane[best] <= 0 ? -1 : best;
}

// Deconvnet (Zeiler and Fergus 2014) or guided backpropagation (Springenberg et al. 2015) of one conv3 unit on its
// 32×32 receptive field, from the rectified planes of the last forward pass. Starts from 1, as Captum does.
// `second` holds conv2's weights once more as filters × 5 × 5 × inputs. `middle`: scratch of 14 × 14 × first.
__attribute__((export_name("decode")))
void decode(const float *plane1, const float *plane2, const float *weights1, const float *second, const float *weights3,
            float *middle, float *out, int size, int first, int deep, int filter, int unit, int guided) {
  int quarter = size / 4, y = unit / quarter, x = unit % quarter;
  for (int i = 0; i < 14 * 14 * first; i++) middle[i] = 0;
  for (int i = 0; i < 32 * 32; i++) out[i] = 0;
  const float *own = weights3 + (filter / LANES) * TAPS * TAPS * deep * LANES + filter % LANES;
  for (int tap = 0; tap < TAPS * TAPS; tap++) {
    int py = y - 2 + tap / TAPS, px = x - 2 + tap % TAPS;
    if (py < 0 || px < 0 || py >= quarter || px >= quarter) continue;
    for (int c = 0; c < deep; c++) {
      float signal = own[(tap * deep + c) * LANES];
      int from = source(plane2, size / 2, deep, py, px, c, signal, guided);
      if (from < 0) continue;
      int row = from / deep / (size / 2) - (2 * y - 4), column = from / deep % (size / 2) - (2 * x - 4);
      const float *w = second + c * TAPS * TAPS * first;
      for (int k = 0; k < TAPS * TAPS; k++, w += first) {
        float *to = middle + ((row + k / TAPS) * 14 + column + k % TAPS) * first;
        for (int i = 0; i < first; i += 4)
          wasm_v128_store(to + i, wasm_f32x4_add(wasm_v128_load(to + i),
                                                 wasm_f32x4_mul(wasm_f32x4_splat(signal), wasm_v128_load(w + i))));
      }
    }
  }
  for (int i = 0; i < 14; i++)
    for (int j = 0; j < 14; j++) {
      int py = 2 * y - 6 + i, px = 2 * x - 6 + j;
      if (py < 0 || px < 0 || py >= size / 2 || px >= size / 2) continue;
      for (int c = 0; c < first; c++) {
        float signal = middle[(i * 14 + j) * first + c];
        int from = source(plane1, size, first, py, px, c, signal, guided);
        if (from < 0) continue;
        int row = from / first / size - 2, column = from / first % size - 2;
        const float *w = weights1 + (c / LANES) * TAPS * TAPS * LANES + c % LANES;
        for (int k = 0; k < TAPS * TAPS; k++) {
          int at_y = row + k / TAPS, at_x = column + k % TAPS;
          if (at_y >= 0 && at_x >= 0 && at_y < size && at_x < size)
            out[(at_y - 4 * y + 14) * 32 + at_x - 4 * x + 14] += signal * w[k * LANES];
        }
      }
    }
}
