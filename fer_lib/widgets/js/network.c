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

// 4 pixels by 8 filters of a 5×5 convolution, rectified. Weights of 8 filters: 5 × 5 × inputs × 8.
static inline void tile(const float *in, const float *w, float *out, int wide, int inputs, int filters) {
  v128_t zero = wasm_f32x4_const_splat(0);
  v128_t a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
  for (int ky = 0; ky < TAPS; ky++) {
    const float *at = in + ky * wide * inputs;
    for (int k = 0; k < TAPS * inputs; k++, at++, w += LANES) {  // column and input together: they lie in a row
      v128_t low = wasm_v128_load(w), high = wasm_v128_load(w + 4);
      v128_t a = wasm_v128_load32_splat(at), b = wasm_v128_load32_splat(at + inputs);
      v128_t c = wasm_v128_load32_splat(at + 2 * inputs), d = wasm_v128_load32_splat(at + 3 * inputs);
      a0 = wasm_f32x4_add(a0, wasm_f32x4_mul(a, low)), a1 = wasm_f32x4_add(a1, wasm_f32x4_mul(a, high));
      b0 = wasm_f32x4_add(b0, wasm_f32x4_mul(b, low)), b1 = wasm_f32x4_add(b1, wasm_f32x4_mul(b, high));
      c0 = wasm_f32x4_add(c0, wasm_f32x4_mul(c, low)), c1 = wasm_f32x4_add(c1, wasm_f32x4_mul(c, high));
      d0 = wasm_f32x4_add(d0, wasm_f32x4_mul(d, low)), d1 = wasm_f32x4_add(d1, wasm_f32x4_mul(d, high));
    }
  }
  wasm_v128_store(out, wasm_f32x4_max(a0, zero)), wasm_v128_store(out + 4, wasm_f32x4_max(a1, zero));
  out += filters;
  wasm_v128_store(out, wasm_f32x4_max(b0, zero)), wasm_v128_store(out + 4, wasm_f32x4_max(b1, zero));
  out += filters;
  wasm_v128_store(out, wasm_f32x4_max(c0, zero)), wasm_v128_store(out + 4, wasm_f32x4_max(c1, zero));
  out += filters;
  wasm_v128_store(out, wasm_f32x4_max(d0, zero)), wasm_v128_store(out + 4, wasm_f32x4_max(d1, zero));
}

// Rectified 5×5 convolution without bias: padded (size + 4)² × inputs → size² × filters. size: a multiple of 4.
__attribute__((export_name("convolve")))
void convolve(const float *in, const float *weights, float *out, int size, int inputs, int filters) {
  int wide = size + 2 * PAD;
  for (int f = 0; f < filters; f += LANES, weights += TAPS * TAPS * inputs * LANES)
    for (int y = 0; y < size; y++)
      for (int x = 0; x < size; x += 4)
        tile(in + (y * wide + x) * inputs, weights, out + (y * size + x) * filters + f, wide, inputs, filters);
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
  for (int f = 0; f < filters; f++) {
    float *four = out + 4 * f;
    four[0] = four[1] = four[2] = four[3] = best[f] = 0;
    place[f] = 0;
    for (int at = 0; at < size * size; at++) {
      float value = in[at * filters + f];
      int quadrant = 2 * (2 * (at / size) >= size) + (2 * (at % size) >= size);
      if (value > four[quadrant]) four[quadrant] = value;
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
