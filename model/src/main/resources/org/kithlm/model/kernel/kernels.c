/*
 * Products of interleaved quantized weights and activations: what FieldKernel and its siblings
 * compute, with the same bits. Sums of integers are exact, so any instruction may make them; each
 * float operation is one of those of the Java kernels, in their order. Compile with
 * -O3 -ffp-contract=off for the machine at hand; NativeCompiler has the command.
 *
 * Weights lie as RowGroups says, 16 rows to a group, a 32-bit lane for each. A block is 32
 * columns. A line is one 32-bit number of each row, unpacked to four bytes: four columns.
 *
 * Tokens are grouped by 16, or all together if they are fewer. Inputs of a group lie block by
 * block, and in a block token by token, in the order of the lines' bytes.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
#endif
#if defined(__AMX_INT8__) && defined(__AVX512VNNI__) && defined(__linux__)
#define TILES 1
#include <sys/syscall.h>
#include <unistd.h>
#endif

#define INLINE static inline __attribute__((always_inline))

enum { ROWS = 16, GROUP_TOKENS = 16, BLOCK = 32, LINE_BYTES = 4 * ROWS, FIELD_BYTES = 2 * ROWS };
#if defined(__AVX512F__) && !defined(__znver4__) && !defined(__znver5__)
/* How far ahead a single token's weights are asked for, as Intel's processors stop at each page. */
#define PREFETCH_BYTES 4096
#endif
enum { CHUNK_BLOCKS = 32, LINES_MAX = 16, SCALES_MAX = 2 };

/* Types of weights by their numbers in GGUF. */
enum { Q4_0 = 2, Q4_1 = 3, Q5_0 = 6, Q5_1 = 7, Q8_0 = 8, Q4_K = 12, Q5_K = 13, Q6_K = 14 };

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
enum { PARTS = ROWS / LANES };
/* Tokens whose sums of floats stay in registers. */
enum { TOGETHER = LANES == 16 ? GROUP_TOKENS : 8 };

/* One vector of lanes, a part of a line. */
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef int16_t fields __attribute__((vector_size(2 * LANES)));
typedef float floats __attribute__((vector_size(4 * LANES)));

/* Rounded inputs; the fields that a type does not need are unused. */
struct inputs {
  int8_t *bytes;    /* [group][block][token][planes x 32] */
  float *steps;     /* [group][block][token] */
  float *sums;      /* [group][block][token], step times sum of the integers */
  int32_t *offsets; /* [group][block][token][2], what centring takes off each 16 columns */
  float *columns;   /* [group][column][token], not rounded */
  int64_t tokens;
  int64_t blocks; /* of a token */
};

/* Unpacked weights of one group of rows. */
struct scratch {
  int32_t lines[CHUNK_BLOCKS][LINES_MAX][ROWS] __attribute__((aligned(64)));
  float scales[CHUNK_BLOCKS][SCALES_MAX][ROWS];
  float minima[CHUNK_BLOCKS][ROWS];
  int32_t sums[2][2][GROUP_TOKENS][ROWS];
  float y[GROUP_TOKENS][ROWS];
};

/* ---- types ---- */

INLINE int bits_of(int type) {
  switch (type) {
    case Q5_0: case Q5_1: case Q5_K: return 5;
    case Q6_K: return 6;
    case Q8_0: return 8;
    default: return 4;
  }
}

/* Inputs of 9 bits are 2 a + b, where b is 0 or 1: two planes of bytes. */
INLINE int planes_of(int type) { return type == Q4_0 || type == Q4_1 ? 2 : 1; }

/* What is taken off each weight. */
INLINE int centre_of(int type) {
  return planes_of(type) == 2 ? 8 : bits_of(type) == 5 ? 16 : bits_of(type) == 6 ? 32 : 0;
}

/* Blocks that share a header. */
INLINE int blocks_of(int type) { return type >= Q4_K ? 8 : 1; }

/* Scales of a block. */
INLINE int scales_of(int type) { return type == Q6_K ? 2 : 1; }

INLINE int has_minima(int type) { return type == Q4_1 || type == Q5_1 || type == Q4_K || type == Q5_K; }

INLINE int lines_of(int type) { return 8 * planes_of(type); }

INLINE int header_bytes(int type) {
  switch (type) {
    case Q4_K: case Q5_K: return 2 * FIELD_BYTES + 3 * LINE_BYTES;
    case Q6_K: return FIELD_BYTES + 4 * LINE_BYTES;
    default: return has_minima(type) ? 2 * FIELD_BYTES : FIELD_BYTES;
  }
}

/* Bytes of one block without the header. */
INLINE int payload_bytes(int type) { return bits_of(type) * LINE_BYTES; }

INLINE int64_t row_group_bytes(int type, int blocks) {
  return (int64_t)blocks / blocks_of(type) * header_bytes(type) + (int64_t)blocks * payload_bytes(type);
}

/* ---- vectors ---- */

INLINE words load_words(const char *at) {
  words w;
  memcpy(&w, at, sizeof w);
  return w;
}

INLINE floats load_floats(const float *at) {
  floats f;
  memcpy(&f, at, sizeof f);
  return f;
}

INLINE void store_floats(float *at, floats f) { memcpy(at, &f, sizeof f); }

INLINE floats to_floats(ints i) { return __builtin_convertvector(i, floats); }

INLINE floats broadcast(float f) {
#if defined(__AVX512F__)
  return _mm512_set1_ps(f);
#elif defined(__AVX2__)
  return _mm256_set1_ps(f);
#else
  return (floats){f, f, f, f};
#endif
}

INLINE ints broadcast_int(int32_t i) {
#if defined(__AVX512F__)
  return (ints)_mm512_set1_epi32(i);
#elif defined(__AVX2__)
  return (ints)_mm256_set1_epi32(i);
#else
  return (ints){i, i, i, i};
#endif
}

/* a b + c, rounded once. */
INLINE floats fused(floats a, floats b, floats c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#else
  floats r;
  for (int i = 0; i < LANES; i++) r[i] = fmaf(a[i], b[i], c[i]);
  return r;
#endif
}

/* Where no instruction adds four products of bytes to 32 bits: two to 16 bits. */
#if defined(__AVX512BW__) && !defined(__AVX512VNNI__)
#define PAIRS 1
typedef __m512i pairs;
INLINE pairs pair_products(words w, int32_t x) { return _mm512_maddubs_epi16((__m512i)w, _mm512_set1_epi32(x)); }
INLINE pairs add_pairs(pairs a, pairs b) { return _mm512_add_epi16(a, b); }
INLINE ints sum_pairs(pairs p, int16_t factor) { return (ints)_mm512_madd_epi16(p, _mm512_set1_epi16(factor)); }
#elif defined(__AVX2__) && !defined(__AVX512F__) && !defined(__AVXVNNI__)
#define PAIRS 1
typedef __m256i pairs;
INLINE pairs pair_products(words w, int32_t x) { return _mm256_maddubs_epi16((__m256i)w, _mm256_set1_epi32(x)); }
INLINE pairs add_pairs(pairs a, pairs b) { return _mm256_add_epi16(a, b); }
INLINE ints sum_pairs(pairs p, int16_t factor) { return (ints)_mm256_madd_epi16(p, _mm256_set1_epi16(factor)); }
#endif

INLINE int32_t load_int(const int8_t *at) {
  int32_t i;
  memcpy(&i, at, sizeof i);
  return i;
}

#ifdef PAIRS
/* Adds the products of some lines, n at a time as 16 bits hold their sums. */
INLINE ints add_lines(ints sum, const words *line, const int8_t *x, int lines, int n, int16_t factor) {
  for (int k = 0; k < lines; k += n) {
    pairs p = pair_products(line[k], load_int(x + 4 * k));
    for (int i = k + 1; i < k + n; i++) p = add_pairs(p, pair_products(line[i], load_int(x + 4 * i)));
    sum += sum_pairs(p, factor);
  }
  return sum;
}
#else
/* Adds four products of bytes to each lane; those of w are 0 to 63. */
INLINE ints dot(ints sum, words w, int32_t x) {
#if defined(__AVX512VNNI__)
  return (ints)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)w, _mm512_set1_epi32(x));
#elif defined(__AVXVNNI__)
  return (ints)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)w, _mm256_set1_epi32(x));
#elif defined(__ARM_FEATURE_DOTPROD)
  return (ints)vdotq_s32((int32x4_t)sum, (int8x16_t)w, vreinterpretq_s8_s32(vdupq_n_s32(x)));
#else
  ints q = (ints)w;
  sum += (q & 0xFF) * (int8_t)x;
  sum += (q >> 8 & 0xFF) * (int8_t)(x >> 8);
  sum += (q >> 16 & 0xFF) * (int8_t)(x >> 16);
  return sum + (q >> 24 & 0xFF) * (x >> 24);
#endif
}
#endif

/* Adds the products of the lines that share a scale, which meet x. */
INLINE ints add_products(int type, ints sum, const words *line, const int8_t *x) {
#ifdef PAIRS
  if (planes_of(type) == 2) { /* 2 a and b meet the same weights */
    sum = add_lines(sum, line + 8, x, 8, 8, 2);
    return add_lines(sum, line + 8, x + BLOCK, 8, 8, 1);
  }
  return add_lines(sum, line, x, 8 / scales_of(type), bits_of(type) == 4 ? 8 : bits_of(type) == 5 ? 4 : 2, 1);
#else
  for (int k = 0; k < lines_of(type) / scales_of(type); k++) sum = dot(sum, line[k], load_int(x + 4 * k));
  return sum;
#endif
}

/* ---- weights ---- */

/* A field of f16 numbers, as NativeWords reads them. */
INLINE floats load_halves(const char *at) {
  fields f;
  memcpy(&f, at, sizeof f);
  ints bits = __builtin_convertvector(f, ints) << 13 & (int32_t)0x8FFFE000;
  return (floats)bits * 0x1p112f;
}

/* Unpacks a part of a block's words to unsigned bytes. */
INLINE void unpack(int type, const char *at, words *line) {
  if (bits_of(type) == 4) {
    for (int k = 0; k < 4; k++) {
      words w = load_words(at + LINE_BYTES * k);
      if (planes_of(type) == 1) {
        line[2 * k] = w & 0x0F0F0F0F;
        line[2 * k + 1] = w >> 4 & 0x0F0F0F0F;
      } else {
        line[2 * k] = w << 1 & 0x1E1E1E1E;
        line[2 * k + 1] = w >> 3 & 0x1E1E1E1E;
        line[8 + 2 * k] = w & 0x0F0F0F0F;
        line[9 + 2 * k] = w >> 4 & 0x0F0F0F0F;
      }
    }
  } else if (bits_of(type) == 5) {
    words w[5];
    words last = (words){};
    for (int k = 0; k < 5; k++) {
      w[k] = load_words(at + LINE_BYTES * k);
      line[k] = (w[k] & 0x001F001F) | (w[k] << 3 & 0x1F001F00);
      last |= w[k] >> (7 - k) & 0x01000100u << k;
    }
    line[5] = (w[0] >> 10 & 0x001F001F) | (w[1] >> 2 & 0x1F001F00);
    line[6] = (w[2] >> 10 & 0x001F001F) | (w[3] >> 2 & 0x1F001F00);
    line[7] = (w[4] >> 10 & 0x001F001F) | last;
  } else if (bits_of(type) == 6) {
    for (int half = 0; half < 2; half++, at += 3 * LINE_BYTES, line += 4) {
      words w[3];
      for (int k = 0; k < 3; k++) {
        w[k] = load_words(at + LINE_BYTES * k);
        line[k] = (w[k] & 0x003F003F) | (w[k] << 2 & 0x3F003F00);
      }
      line[3] = (w[0] >> 12 & 0x000F000F) | (w[2] >> 8 & 0x00300030) | (w[1] >> 4 & 0x0F000F00)
          | (w[2] >> 2 & 0x30003000);
    }
  } else {
    for (int k = 0; k < 8; k++) line[k] = load_words(at + LINE_BYTES * k);
  }
}

/* The columns of a block in the order of the lines' bytes, for 4, 5 and 6 bits. */
static const int8_t ORDERS[3][BLOCK] = {
    {0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15,
     16, 20, 17, 21, 18, 22, 19, 23, 24, 28, 25, 29, 26, 30, 27, 31},
    {0, 2, 1, 3, 6, 8, 7, 9, 12, 14, 13, 15, 18, 20, 19, 21,
     24, 26, 25, 27, 4, 10, 5, 11, 16, 22, 17, 23, 28, 30, 29, 31},
    {0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15,
     16, 18, 17, 19, 20, 22, 21, 23, 24, 26, 25, 27, 28, 30, 29, 31}};

/* Scales and minima of the blocks behind one header, a part of each; as BlockScales has them. */
INLINE void read_scales(int type, const char *at, int lane, floats *scales, floats *minima) {
  floats d = load_halves(at + 2 * lane);
  const char *packed = at + (has_minima(type) ? 2 : 1) * FIELD_BYTES + 4 * lane;
  if (type == Q4_K || type == Q5_K) {
    floats dmin = -load_halves(at + FIELD_BYTES + 2 * lane);
    words s = load_words(packed);
    words m = load_words(packed + LINE_BYTES);
    words rest = load_words(packed + 2 * LINE_BYTES);
    words s2 = (s >> 2 & 0x30303030) | (rest & 0x0F0F0F0F);
    words m2 = (m >> 2 & 0x30303030) | (rest >> 4 & 0x0F0F0F0F);
    for (int k = 0; k < 4; k++) {
      scales[k] = d * to_floats((ints)(s >> 8 * k & 0x3F));
      scales[4 + k] = d * to_floats((ints)(s2 >> 8 * k & 0xFF));
      minima[k] = dmin * to_floats((ints)(m >> 8 * k & 0x3F));
      minima[4 + k] = dmin * to_floats((ints)(m2 >> 8 * k & 0xFF));
    }
    if (type == Q5_K) {
      for (int k = 0; k < 8; k++) minima[k] = scales[k] * 16 + minima[k];
    }
  } else if (type == Q6_K) {
    for (int k = 0; k < 16; k++) {
      ints w = (ints)load_words(packed + k / 4 * LINE_BYTES);
      scales[k] = d * to_floats(w << (24 - 8 * (k % 4)) >> 24);
    }
  } else {
    scales[0] = d;
    minima[0] = has_minima(type)
        ? d * (float)centre_of(type) + load_halves(at + FIELD_BYTES + 2 * lane)
        : (floats){};
  }
}

/* ---- one token ---- */

/* One block of a part of a row group; returns y. */
INLINE floats multiply_block(int type, const char *payload, const floats *scales, const floats *minima,
    const struct inputs *in, int64_t block, floats y) {
  words line[LINES_MAX];
  unpack(type, payload, line);
  if (type == Q8_0) {
    const float *x = in->columns + block * BLOCK;
    floats sum = (floats){};
    for (int k = 0; k < 8; k++, x += 4) {
      ints q = (ints)line[k];
      sum = fused(to_floats(q << 24 >> 24), broadcast(x[0]), sum);
      sum = fused(to_floats(q << 8 >> 24), broadcast(x[1]), sum);
      sum = fused(to_floats(q << 16 >> 24), broadcast(x[2]), sum);
      sum = fused(to_floats(q >> 24), broadcast(x[3]), sum);
    }
    return fused(sum, scales[0], y);
  }
  const int8_t *x = in->bytes + block * planes_of(type) * BLOCK;
  floats step = broadcast(in->steps[block]);
  const int lines = lines_of(type) / scales_of(type);
  for (int s = 0; s < scales_of(type); s++) {
    ints sum = centre_of(type) ? broadcast_int(in->offsets[2 * block + s]) : (ints){};
    sum = add_products(type, sum, line + lines * s, x + 4 * lines * s);
    y = fused(to_floats(sum), scales[s] * step, y);
  }
  return type == Q6_K ? y : fused(minima[0], broadcast(in->sums[block]), y);
}

/* A row group times some blocks, whole headers; adds to y. */
INLINE void multiply_one(
    int type, const char *weights, const struct inputs *in, int64_t block, int blocks, float *y) {
  const int together = blocks_of(type);
  floats sums[PARTS];
  for (int p = 0; p < PARTS; p++) sums[p] = load_floats(y + LANES * p);
  for (int b = 0; b < blocks; b += together) {
    floats scales[PARTS][16];
    floats minima[PARTS][8];
    for (int p = 0; p < PARTS; p++) read_scales(type, weights, LANES * p, scales[p], minima[p]);
    weights += header_bytes(type);
    for (int k = 0; k < together; k++, weights += payload_bytes(type)) {
#ifdef PREFETCH_BYTES
      for (int i = 0; i < payload_bytes(type); i += 64) __builtin_prefetch(weights + PREFETCH_BYTES + i);
#endif
      for (int p = 0; p < PARTS; p++) {
        sums[p] = multiply_block(type, weights + 4 * LANES * p, scales[p] + scales_of(type) * k, minima[p] + k, in,
            block + b + k, sums[p]);
      }
    }
  }
  for (int p = 0; p < PARTS; p++) store_floats(y + LANES * p, sums[p]);
}

/* ---- many tokens ---- */

/* Unpacks some blocks of a row group, whole headers. Signed weights are centred. */
INLINE void unpack_blocks(int type, const char *weights, int blocks, int is_signed, struct scratch *s) {
  const int together = blocks_of(type);
  const int n = scales_of(type);
  for (int b = 0; b < blocks; b += together) {
    for (int lane = 0; lane < ROWS; lane += LANES) {
      floats scales[16];
      floats minima[8];
      read_scales(type, weights, lane, scales, minima);
      const char *payload = weights + header_bytes(type) + 4 * lane;
      for (int k = 0; k < together; k++, payload += payload_bytes(type)) {
        words line[LINES_MAX];
        unpack(type, payload, line);
        for (int i = 0; i < lines_of(type); i++) {
          if (is_signed) { /* no borrow leaves a byte whose high bit is set */
            uint32_t centre = 0x01010101u * (uint32_t)(centre_of(type) * (planes_of(type) - i / 8));
            line[i] = ((line[i] | 0x80808080u) - centre) ^ 0x80808080u;
          }
          memcpy(&s->lines[b + k][i][lane], &line[i], sizeof line[i]);
        }
        for (int i = 0; i < n; i++) store_floats(&s->scales[b + k][i][lane], scales[n * k + i]);
        if (type != Q6_K && type != Q8_0) store_floats(&s->minima[b + k][lane], minima[k]);
      }
    }
    weights += header_bytes(type) + together * payload_bytes(type);
  }
}

/* Unpacked blocks times up to 16 tokens, inputs `stride` tokens apart from block to block. */
INLINE void multiply_tokens(int type, const struct scratch *s, int first, int blocks, const struct inputs *in,
    int64_t at, int stride, int tokens, float (*y)[ROWS]) {
  const int lines = lines_of(type) / scales_of(type);
  for (int lane = 0; lane < ROWS; lane += LANES) {
    const int8_t *block_bytes = in->bytes + at * planes_of(type) * BLOCK;
    const float *steps = in->steps + at;
    const float *sums = in->sums + at;
    const int32_t *offsets = in->offsets + 2 * at;
    for (int b = first; b < first + blocks; b++) {
      words line[LINES_MAX];
      for (int i = 0; i < lines_of(type); i++) memcpy(&line[i], &s->lines[b][i][lane], sizeof line[i]);
      floats minimum = load_floats(&s->minima[b][lane]);
      floats scale[SCALES_MAX];
      for (int n = 0; n < scales_of(type); n++) scale[n] = load_floats(&s->scales[b][n][lane]);
      const int8_t *x = block_bytes;
      for (int t = 0; t < tokens; t++) {
        floats step = broadcast(steps[t]);
        floats out = load_floats(&y[t][lane]);
        for (int n = 0; n < scales_of(type); n++) {
          ints sum = centre_of(type) ? broadcast_int(offsets[2 * t + n]) : (ints){};
          sum = add_products(type, sum, line + lines * n, x);
          x += 4 * lines;
          out = fused(to_floats(sum), scale[n] * step, out);
        }
        if (type != Q6_K) out = fused(minimum, broadcast(sums[t]), out);
        store_floats(&y[t][lane], out);
      }
      block_bytes += stride * planes_of(type) * BLOCK;
      steps += stride;
      sums += stride;
      offsets += 2 * stride;
    }
  }
}

/* Adds a column's weights times the inputs of all tokens. */
INLINE void add_column(floats w, const float *x, int tokens, floats *sums) {
  for (int t = 0; t < tokens; t++) sums[t] = fused(w, broadcast(x[t]), sums[t]);
}

/* A part of unpacked 8-bit blocks times `tokens`, at best a constant. */
INLINE void multiply_floats_part(const struct scratch *s, int lane, int first, int blocks, const float *x,
    int stride, int tokens, float (*y)[ROWS]) {
  for (int b = first; b < first + blocks; b++) {
    floats sums[TOGETHER] = {};
    for (int k = 0; k < 8; k++, x += 4 * stride) {
      ints q;
      memcpy(&q, &s->lines[b][k][lane], sizeof q);
      add_column(to_floats(q << 24 >> 24), x, tokens, sums);
      add_column(to_floats(q << 8 >> 24), x + stride, tokens, sums);
      add_column(to_floats(q << 16 >> 24), x + 2 * stride, tokens, sums);
      add_column(to_floats(q >> 24), x + 3 * stride, tokens, sums);
    }
    floats scale = load_floats(&s->scales[b][0][lane]);
    for (int t = 0; t < tokens; t++) {
      store_floats(&y[t][lane], fused(sums[t], scale, load_floats(&y[t][lane])));
    }
  }
}

/* Weights of 8 bits times up to 16 tokens. */
INLINE void multiply_floats(const struct scratch *s, int first, int blocks, const float *x, int stride,
    int tokens, float (*y)[ROWS]) {
  for (int lane = 0; lane < ROWS; lane += LANES) {
    for (int t = 0; t < tokens; t += TOGETHER) {
      if (tokens - t >= TOGETHER) {
        multiply_floats_part(s, lane, first, blocks, x + t, stride, TOGETHER, y + t);
      } else {
        multiply_floats_part(s, lane, first, blocks, x + t, stride, tokens - t, y + t);
      }
    }
  }
}

#ifdef TILES
struct tile_config {
  uint8_t palette, start_row, reserved[14];
  uint16_t columns_bytes[16];
  uint8_t rows[16];
};

static int tiles_allowed;

INLINE void configure_tiles(int type) {
  struct tile_config config;
  memset(&config, 0, sizeof config);
  config.palette = 1;
  int depth = BLOCK * planes_of(type) / scales_of(type);
  for (int i = 0; i < 8; i++) { /* 0 to 3 sums, 4 and 5 tokens, 6 and 7 weights */
    config.rows[i] = i < 6 ? 16 : depth / 4;
    config.columns_bytes[i] = i < 4 || i > 5 ? 64 : depth;
  }
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

/* Signed sums of a block of 16 tokens go to memory. */
#define TILE_SUMS(sum, a, w, x, stride, lines, out) \
  _tile_loadd(a, x, stride);                        \
  _tile_loadd(w, lines, LINE_BYTES);                \
  _tile_zero(sum);                                  \
  _tile_dpbssd(sum, a, w);                          \
  _tile_stored(sum, out, LINE_BYTES)

INLINE void tile_sums(int type, struct scratch *s, int b, const int8_t *x) {
  const int stride = BLOCK * planes_of(type);
  if (b % 2 == 0) {
    TILE_SUMS(0, 4, 6, x, stride, s->lines[b][0], s->sums[0][0]);
    if (type == Q6_K) {
      TILE_SUMS(1, 5, 7, x + 16, stride, s->lines[b][4], s->sums[0][1]);
    }
  } else {
    TILE_SUMS(2, 4, 6, x, stride, s->lines[b][0], s->sums[1][0]);
    if (type == Q6_K) {
      TILE_SUMS(3, 5, 7, x + 16, stride, s->lines[b][4], s->sums[1][1]);
    }
  }
}

/* multiply_tokens for 16 tokens and signed weights. */
INLINE void multiply_tiles(int type, struct scratch *s, int first, int blocks, const struct inputs *in, int64_t at,
    float (*out)[ROWS]) {
  const int8_t *x = in->bytes + at * planes_of(type) * BLOCK;
  const int64_t x_stride = planes_of(type) * BLOCK * GROUP_TOKENS;
  floats y[GROUP_TOKENS];
  for (int t = 0; t < GROUP_TOKENS; t++) y[t] = load_floats(out[t]);
  __asm__ volatile("" : : : "memory"); /* tile loads do not tell that they read memory */
  tile_sums(type, s, first, x);
  for (int b = first; b < first + blocks; b++, at += GROUP_TOKENS) {
    x += x_stride;
    if (b + 1 < first + blocks) tile_sums(type, s, b + 1, x); /* meanwhile this one's floats */
    const int32_t(*sums)[GROUP_TOKENS][ROWS] = s->sums[b % 2];
    const float *steps = in->steps + at;
    const float *input_sums = in->sums + at;
    floats d = load_floats(s->scales[b][0]);
    floats second = load_floats(s->scales[b][1]);
    floats m = load_floats(s->minima[b]);
    for (int t = 0; t < GROUP_TOKENS; t++) {
      floats step = broadcast(steps[t]);
      y[t] = fused(to_floats((ints)load_words((const char *)sums[0][t])), d * step, y[t]);
      if (type == Q6_K) {
        y[t] = fused(to_floats((ints)load_words((const char *)sums[1][t])), second * step, y[t]);
      } else {
        y[t] = fused(m, broadcast(input_sums[t]), y[t]);
      }
    }
  }
  for (int t = 0; t < GROUP_TOKENS; t++) store_floats(out[t], y[t]);
}
#endif

/* ---- matrices ---- */

/* Where results go: floats [token][row], or sums of floats in f64, each rounded to its token's grid; see TermSums. */
struct outputs {
  float *y;
  double *sums;
  const double *rounders; /* [token] */
  int64_t at;
  int64_t stride;
};

INLINE void load_rows(const struct outputs *out, int64_t at, int rows, float *y) {
  if (out->sums) {
    memset(y, 0, ROWS * sizeof *y);
  } else {
    memcpy(y, out->y + at, (rows < ROWS ? rows : ROWS) * sizeof *y);
  }
}

INLINE void store_rows(const struct outputs *out, int64_t at, int64_t token, int rows, const float *y) {
  if (!out->sums) {
    memcpy(out->y + at, y, (rows < ROWS ? rows : ROWS) * sizeof *y);
    return;
  }
  const double rounder = out->rounders[token];
  if (rows >= ROWS) {
    for (int i = 0; i < ROWS; i++) out->sums[at + i] += y[i] + rounder - rounder;
  } else {
    for (int i = 0; i < rows; i++) out->sums[at + i] += y[i] + rounder - rounder;
  }
}

INLINE void multiply_group_one(int type, const char *weights, int blocks, int piece_blocks, int rows,
    const struct inputs *in, int64_t block, const struct outputs *out, int64_t at) {
  const int64_t piece_bytes = row_group_bytes(type, piece_blocks);
  for (int b = 0; b < blocks; b += piece_blocks, weights += piece_bytes) {
    int count = blocks - b < piece_blocks ? blocks - b : piece_blocks;
    float y[ROWS];
    load_rows(out, at, rows, y);
    multiply_one(type, weights, in, block + b, count, y);
    store_rows(out, at, 0, rows, y);
  }
}

INLINE void multiply_group(int type, const char *weights, int blocks, int piece_blocks, int rows,
    const struct inputs *in, int64_t block, const struct outputs *out, int64_t at, struct scratch *s, int use_tiles) {
  if (piece_blocks > CHUNK_BLOCKS) piece_blocks = CHUNK_BLOCKS;
  const int chunk_blocks = CHUNK_BLOCKS / piece_blocks * piece_blocks;
  const int stride = in->tokens < GROUP_TOKENS ? (int)in->tokens : GROUP_TOKENS;
  const int64_t chunk_bytes = row_group_bytes(type, chunk_blocks);
  for (int chunk = 0; chunk < blocks; chunk += chunk_blocks, weights += chunk_bytes) {
    int chunk_end = blocks - chunk < chunk_blocks ? blocks - chunk : chunk_blocks;
    unpack_blocks(type, weights, chunk_end, use_tiles, s);
    for (int64_t token = 0; token < in->tokens; token += stride) {
      int tokens = in->tokens - token < stride ? (int)(in->tokens - token) : stride;
      for (int b = 0; b < chunk_end; b += piece_blocks) {
        int count = chunk_end - b < piece_blocks ? chunk_end - b : piece_blocks;
        int64_t x = token * in->blocks + (block + chunk + b) * stride;
        for (int t = 0; t < tokens; t++) load_rows(out, at + (token + t) * out->stride, rows, s->y[t]);
        if (type == Q8_0) {
          multiply_floats(s, b, count, in->columns + x * BLOCK, stride, tokens, s->y);
#ifdef TILES
        } else if (use_tiles) {
          multiply_tiles(type, s, b, count, in, x, s->y);
#endif
        } else {
          multiply_tokens(type, s, b, count, in, x, stride, tokens, s->y);
        }
        for (int t = 0; t < tokens; t++) store_rows(out, at + (token + t) * out->stride, token + t, rows, s->y[t]);
      }
    }
  }
}

struct matrix {
  const char *weights;
  int64_t panel_stride;
  int panels, panel_blocks, piece_blocks, groups, rows;
};

INLINE void multiply_matrix(
    int type, const struct matrix *m, const struct inputs *in, int64_t block, const struct outputs *out, struct scratch *s) {
  int use_tiles = 0;
#ifdef TILES
  use_tiles = tiles_allowed && in->tokens >= GROUP_TOKENS && type != Q8_0;
  if (use_tiles) configure_tiles(type);
#endif
  const int64_t group_bytes = row_group_bytes(type, m->panel_blocks);
  for (int panel = 0; panel < m->panels; panel++, block += m->panel_blocks) {
    const char *weights = m->weights + panel * m->panel_stride;
    for (int group = 0; group < m->groups; group++, weights += group_bytes) {
      int rows = m->rows - group * ROWS;
      int64_t at = out->at + group * ROWS;
      if (in->tokens == 1) {
        multiply_group_one(type, weights, m->panel_blocks, m->piece_blocks, rows, in, block, out, at);
#ifdef TILES
      } else if (use_tiles) {
        multiply_group(type, weights, m->panel_blocks, m->piece_blocks, rows, in, block, out, at, s, 1);
#endif
      } else {
        multiply_group(type, weights, m->panel_blocks, m->piece_blocks, rows, in, block, out, at, s, 0);
      }
    }
  }
#ifdef TILES
  if (use_tiles) _tile_release();
#endif
}

/* ---- inputs ---- */

typedef int8_t bytes __attribute__((vector_size(BLOCK)));

INLINE void store_in_order(int type, const int8_t *q, int8_t *out) {
  const int8_t *order = ORDERS[bits_of(type) - 4];
#if defined(__clang__)
  for (int i = 0; i < BLOCK; i++) out[i] = q[order[i]];
#else
  bytes from, columns;
  memcpy(&from, q, BLOCK);
  memcpy(&columns, order, BLOCK);
  from = __builtin_shuffle(from, columns);
  memcpy(out, &from, BLOCK);
#endif
}

INLINE void round_block(int type, const float *x, const struct inputs *in, int64_t at) {
  const int steps_max = planes_of(type) == 2 ? 255 : 127;
  int32_t largest_bits = 0; /* without their signs, floats are ordered as their bits are */
  for (int i = 0; i < BLOCK; i++) {
    int32_t bits;
    memcpy(&bits, x + i, 4);
    bits &= 0x7FFFFFFF;
    largest_bits = bits > largest_bits ? bits : largest_bits;
  }
  float largest;
  memcpy(&largest, &largest_bits, 4);
  float step = largest < 0x1p-110f ? 0 : largest / (float)steps_max;
  float per_step = step == 0 ? 0 : 1 / step;
  int16_t q[BLOCK];
  for (int i = 0; i < BLOCK; i++) {
    float shifted = x[i] * per_step;
    shifted += 0x1.8p23f; /* rounds to the nearest integer, in the low bits */
    int32_t bits;
    memcpy(&bits, &shifted, 4);
    q[i] = (int16_t)bits;
  }
  int32_t halves[2] = {0, 0};
  for (int i = 0; i < BLOCK / 2; i++) halves[0] += q[i];
  for (int i = BLOCK / 2; i < BLOCK; i++) halves[1] += q[i];
  in->steps[at] = step;
  in->sums[at] = step * (float)(halves[0] + halves[1]);
  if (centre_of(type)) {
    in->offsets[2 * at] = -centre_of(type) * (scales_of(type) == 2 ? halves[0] : halves[0] + halves[1]);
    in->offsets[2 * at + 1] = -centre_of(type) * halves[1];
  }
  int8_t *out = in->bytes + at * planes_of(type) * BLOCK;
  int8_t plane[BLOCK];
  if (planes_of(type) == 1) {
    for (int i = 0; i < BLOCK; i++) plane[i] = (int8_t)q[i];
  } else {
    for (int i = 0; i < BLOCK; i++) plane[i] = q[i] & 1;
    store_in_order(type, plane, out + BLOCK);
    for (int i = 0; i < BLOCK; i++) plane[i] = (int8_t)(q[i] >> 1);
  }
  store_in_order(type, plane, out);
}

INLINE void round_tokens(int type, const float *x, struct inputs *in, int64_t first, int64_t end) {
  const int stride = in->tokens < GROUP_TOKENS ? (int)in->tokens : GROUP_TOKENS;
  x += first * in->blocks * BLOCK;
  for (int64_t token = first; token < end; token++) {
    int64_t at = token / stride * stride * in->blocks + token % stride;
    for (int64_t b = 0; b < in->blocks; b++, at += stride, x += BLOCK) {
      if (type != Q8_0) {
        round_block(type, x, in, at);
      } else {
        float *out = in->columns + (at - token % stride) * BLOCK + token % stride;
        for (int i = 0; i < BLOCK; i++) out[stride * i] = x[i];
      }
    }
  }
  if (end < in->tokens || type == Q8_0) return;
  for (int64_t token = end; token % stride != 0; token++) { /* what is missing in the last group */
    int64_t at = token / stride * stride * in->blocks + token % stride;
    for (int64_t b = 0; b < in->blocks; b++, at += stride) in->steps[at] = in->sums[at] = 0;
  }
}

/* ---- what Java calls ---- */

#define FOR_TYPE(type, call)       \
  switch (type) {                  \
    case Q4_0: call(Q4_0); break;  \
    case Q4_1: call(Q4_1); break;  \
    case Q5_0: call(Q5_0); break;  \
    case Q5_1: call(Q5_1); break;  \
    case Q8_0: call(Q8_0); break;  \
    case Q4_K: call(Q4_K); break;  \
    case Q5_K: call(Q5_K); break;  \
    case Q6_K: call(Q6_K); break;  \
  }

#define NOINLINE static __attribute__((noinline))
#define DEFINE(T)                                                                                      \
  NOINLINE void multiply_##T(const struct matrix *m, const struct inputs *in, int64_t block,           \
      const struct outputs *out, struct scratch *s) {                                                  \
    multiply_matrix(T, m, in, block, out, s);                                                          \
  }                                                                                                    \
  NOINLINE void round_##T(const float *x, struct inputs *in, int64_t first, int64_t end) {              \
    round_tokens(T, x, in, first, end);                                                                \
  }
DEFINE(Q4_0)
DEFINE(Q4_1)
DEFINE(Q5_0)
DEFINE(Q5_1)
DEFINE(Q8_0)
DEFINE(Q4_K)
DEFINE(Q5_K)
DEFINE(Q6_K)

/* Call once before the others: 1 if tiles of 8-bit integers are used, else 0. */
int32_t kith_start(void) {
#ifdef TILES
  enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
  tiles_allowed = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
  return tiles_allowed;
#else
  return 0;
#endif
}

int64_t kith_scratch_bytes(void) { return sizeof(struct scratch); }

/* Rounds some tokens of x [tokens][blocks * 32] for a type of weights. */
void kith_round(int32_t type, const float *x, struct inputs *in, int64_t first, int64_t end) {
#define ROUND(T) round_##T(x, in, first, end)
  FOR_TYPE(type, ROUND)
}

/* Adds a product to y or, in f64, to sums, of which the other is null; see MatMul. */
void kith_multiply(int32_t type, const char *weights, int64_t panel_stride, int32_t panels, int32_t panel_blocks,
    int32_t piece_blocks, int32_t groups, int32_t rows, const struct inputs *in, int64_t block, float *y, double *sums,
    const double *rounders, int64_t at, int64_t stride, struct scratch *s) {
  struct matrix m = {weights, panel_stride, panels, panel_blocks, piece_blocks, groups, rows};
  struct outputs out = {y, sums, rounders, at, stride};
#define MULTIPLY(T) multiply_##T(&m, in, block, &out, s)
  FOR_TYPE(type, MULTIPLY)
}
