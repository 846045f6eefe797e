#include "lockstep.h"

#include <string.h>

enum { LANES = 64 };

/// The multiplier of `PhysicalMemory`'s hash.
static const uint64_t GOLDEN = 0x9E3779B97F4A7C15u;
static const uint64_t ADDRESS = ((1ull << 52) - 1) & ~0xfffull;

/// A step of all lanes: `at` is the address of an entry in memory; `live` lanes read it.
typedef struct {
  uint64_t at[LANES];
  uint64_t entry[LANES];
  uint8_t live[LANES];
} lanes;

/// Reads one entry for each live lane. A lane whose frame memory does not have reads 0.
static void read_entries(const lockstep_memory *memory, lanes *step) {
  const uint64_t *places[LANES];
  static const uint64_t nothing = 0;
  const uint32_t shift = 64 - memory->log;
  const uint64_t mask = (1ull << memory->log) - 1;
  for (int lane = 0; lane < LANES; lane++)
    __builtin_prefetch(memory->cells + (((step->at[lane] >> 12) * GOLDEN) >> shift), 0, 3);
  for (int lane = 0; lane < LANES; lane++) {
    const uint64_t frame = step->at[lane] >> 12;
    uint64_t cell = (frame * GOLDEN) >> shift;
    while (memory->cells[cell].key != frame + 1 && memory->cells[cell].key != 0)
      cell = (cell + 1) & mask;
    const uint64_t *words = memory->cells[cell].words;
    places[lane] = step->live[lane] && words ? words + (step->at[lane] >> 3 & 511) : &nothing;
    __builtin_prefetch(places[lane], 0, 3);
  }
  for (int lane = 0; lane < LANES; lane++) step->entry[lane] = *places[lane];
}

static int is_leaf(int level, uint64_t entry) { return level == 0 || (entry & 0x80) != 0; }

/// An entry has the form of a table or of a leaf, whichever it is, at its level.
static int is_plain(const lockstep_stage *stage, int level, uint64_t entry) {
  const lockstep_form *form = &stage->table;
  if (is_leaf(level, entry)) {
    if (level > 2) return 0;
    form = &stage->leaf[level];
  }
  return (entry & form->mask) == form->value;
}

static uint64_t in_page(int level) { return (1ull << (12 + 9 * level)) - 1; }

/// Translates addresses of lanes that are `live` in one stage by entries that `find` places.
static void translate(const lockstep_memory *memory, const lockstep_stage *stage,
                      const uint64_t *from, const uint8_t *live, uint64_t *to, uint8_t *plain,
                      uint8_t *references) {
  lanes step;
  uint64_t table[LANES];
  if (stage->levels == 0) {
    memcpy(to, from, sizeof(uint64_t) * LANES);
    return;
  }
  memcpy(step.live, live, LANES);
  for (int lane = 0; lane < LANES; lane++) {
    table[lane] = stage->root;
    // The second stage has no address above its levels.
    if (live[lane] && from[lane] >> (12 + 9 * stage->levels)) step.live[lane] = plain[lane] = 0;
  }
  for (int level = (int)stage->levels - 1; level >= 0; level--) {
    for (int lane = 0; lane < LANES; lane++)
      step.at[lane] = table[lane] | (from[lane] >> (12 + 9 * level) & 511) << 3;
    read_entries(memory, &step);
    for (int lane = 0; lane < LANES; lane++) {
      if (!step.live[lane]) continue;
      const uint64_t entry = step.entry[lane];
      references[lane]++;
      if (!is_plain(stage, level, entry)) {
        step.live[lane] = plain[lane] = 0;
      } else if (is_leaf(level, entry)) {
        to[lane] = (entry & ADDRESS & ~in_page(level)) | (from[lane] & in_page(level));
        step.live[lane] = 0;
      } else {
        table[lane] = entry & ADDRESS;
      }
    }
  }
}

static void walk_chunk(const lockstep_memory *memory, const lockstep_stage *first,
                       const lockstep_stage *second, const uint64_t *addresses, uint64_t *hosts,
                       uint8_t *references) {
  uint8_t plain[LANES], going[LANES];
  uint64_t wanted[LANES], guest[LANES];
  lanes step;
  memset(&step, 0, sizeof step);
  memset(references, 0, LANES);
  const int unused = 64 - (12 + 9 * (int)first->levels);
  for (int lane = 0; lane < LANES; lane++) {
    plain[lane] = (int64_t)(addresses[lane] << unused) >> unused == (int64_t)addresses[lane];
    going[lane] = plain[lane];
    guest[lane] = first->root;
    hosts[lane] = 0;
  }
  for (int level = (int)first->levels - 1; level >= 0; level--) {
    for (int lane = 0; lane < LANES; lane++)
      wanted[lane] = guest[lane] | (addresses[lane] >> (12 + 9 * level) & 511) << 3;
    translate(memory, second, wanted, going, step.at, plain, references);
    for (int lane = 0; lane < LANES; lane++) going[lane] &= plain[lane];
    memcpy(step.live, going, LANES);
    read_entries(memory, &step);
    for (int lane = 0; lane < LANES; lane++) {
      if (!going[lane]) continue;
      const uint64_t entry = step.entry[lane];
      references[lane]++;
      if (!is_plain(first, level, entry)) {
        going[lane] = plain[lane] = 0;
      } else if (is_leaf(level, entry)) {
        guest[lane] = (entry & ADDRESS & ~in_page(level)) | (addresses[lane] & in_page(level));
        going[lane] = 0;
      } else {
        guest[lane] = entry & ADDRESS;
      }
    }
  }
  memcpy(going, plain, LANES);
  translate(memory, second, guest, going, hosts, plain, references);
  for (int lane = 0; lane < LANES; lane++)
    if (!plain[lane]) hosts[lane] = LOCKSTEP_NOT_PLAIN;
}

typedef void chunk_walker(const lockstep_memory *, const lockstep_stage *, const lockstep_stage *,
                          const uint64_t *, uint64_t *, uint8_t *);

/// Whole chunks of lanes; the last is filled up with its first address.
static void walk_all(chunk_walker *walk, const lockstep_memory *memory, const lockstep_stage *first,
                     const lockstep_stage *second, const uint64_t *addresses, size_t count,
                     uint64_t *hosts, uint8_t *references) {
  size_t at = 0;
  for (; at + LANES <= count; at += LANES)
    walk(memory, first, second, addresses + at, hosts + at, references + at);
  if (at == count) return;
  uint64_t rest[LANES], ends[LANES];
  uint8_t read[LANES];
  for (size_t lane = 0; lane < LANES; lane++)
    rest[lane] = addresses[at + lane < count ? at + lane : at];
  walk(memory, first, second, rest, ends, read);
  memcpy(hosts + at, ends, (count - at) * sizeof *ends);
  memcpy(references + at, read, count - at);
}

void lockstep_walk(const lockstep_memory *memory, const lockstep_stage *first,
                   const lockstep_stage *second, const uint64_t *addresses, size_t count,
                   uint64_t *hosts, uint8_t *references) {
  walk_all(walk_chunk, memory, first, second, addresses, count, hosts, references);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))
enum { VECTORS = LANES / 8 };

/// Eight lanes a vector; a mask bit for each live lane.
typedef struct {
  __m512i value[VECTORS];
  __mmask8 live[VECTORS];
} vectors;

/// Reads the entries at addresses. A lane whose frame memory does not have reads 0.
AVX512 static inline void gather_entries(const lockstep_memory *memory, const __m512i *at,
                                         const __mmask8 *live, __m512i *entries) {
  const __m512i golden = _mm512_set1_epi64((long long)GOLDEN);
  const __m128i shift = _mm_cvtsi32_si128(64 - (int)memory->log);
  const __m512i mask = _mm512_set1_epi64((long long)((1ull << memory->log) - 1));
  const __m512i one = _mm512_set1_epi64(1);
  __m512i cells[VECTORS];
  for (int v = 0; v < VECTORS; v++) {
    const __m512i frame = _mm512_srli_epi64(at[v], 12);
    cells[v] = _mm512_srl_epi64(_mm512_mullo_epi64(frame, golden), shift);
  }
  for (int v = 0; v < VECTORS; v++) {
    const __m512i key = _mm512_add_epi64(_mm512_srli_epi64(at[v], 12), one);
    __mmask8 found = 0, open = live[v];
    while (open) {
      // A cell is two words; its number is doubled and scaled by eight.
      const __m512i place = _mm512_slli_epi64(cells[v], 1);
      const __m512i seen =
          _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), open, place, memory->cells, 8);
      const __mmask8 here = _mm512_mask_cmpeq_epi64_mask(open, seen, key);
      const __mmask8 empty = _mm512_mask_testn_epi64_mask(open, seen, seen);
      found |= here;
      open &= (__mmask8)~(here | empty);
      cells[v] = _mm512_mask_and_epi64(cells[v], open, _mm512_add_epi64(cells[v], one), mask);
    }
    const __m512i place = _mm512_add_epi64(_mm512_slli_epi64(cells[v], 1), one);
    const __m512i words =
        _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), found, place, memory->cells, 8);
    found &= _mm512_test_epi64_mask(words, words);
    const __m512i entry =
        _mm512_add_epi64(words, _mm512_and_si512(at[v], _mm512_set1_epi64(0xff8)));
    entries[v] = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), found, entry, (void *)0, 1);
  }
}

/// Goes one level down in one stage: lanes that end get `to`, the others `table`; those whose entry
/// has another form leave `plain`.
AVX512 static inline void descend(const lockstep_stage *stage, int level, const __m512i *from,
                                  const __m512i *entries, __mmask8 *live, __mmask8 *plain,
                                  __m512i *table, __m512i *to) {
  const __m512i address = _mm512_set1_epi64((long long)ADDRESS);
  const __m512i inside = _mm512_set1_epi64((long long)in_page(level));
  const __m512i page = _mm512_andnot_si512(inside, address);
  const lockstep_form none = {0, 1};
  const lockstep_form leaf = level > 2 ? none : stage->leaf[level];
  for (int v = 0; v < VECTORS; v++) {
    const __m512i entry = entries[v];
    const __mmask8 leaves =
        level == 0 ? live[v] : _mm512_mask_test_epi64_mask(live[v], entry, _mm512_set1_epi64(0x80));
    const __mmask8 tables = live[v] & (__mmask8)~leaves;
    const __mmask8 ends = _mm512_mask_cmpeq_epi64_mask(
        leaves, _mm512_and_si512(entry, _mm512_set1_epi64((long long)leaf.mask)),
        _mm512_set1_epi64((long long)leaf.value));
    const __mmask8 goes = _mm512_mask_cmpeq_epi64_mask(
        tables, _mm512_and_si512(entry, _mm512_set1_epi64((long long)stage->table.mask)),
        _mm512_set1_epi64((long long)stage->table.value));
    plain[v] &= (__mmask8)~(live[v] & (__mmask8)~(ends | goes));
    const __m512i end =
        _mm512_or_si512(_mm512_and_si512(entry, page), _mm512_and_si512(from[v], inside));
    to[v] = _mm512_mask_mov_epi64(to[v], ends, end);
    table[v] = _mm512_mask_and_epi64(table[v], goes, entry, address);
    live[v] = goes;
  }
}

AVX512 static inline void place_entries(const __m512i *table, const __m512i *from, int level,
                                        __m512i *at) {
  const __m128i shift = _mm_cvtsi32_si128(9 + 9 * level);
  const __m512i index = _mm512_set1_epi64(0xff8);
  for (int v = 0; v < VECTORS; v++)
    at[v] = _mm512_or_si512(table[v], _mm512_and_si512(_mm512_srl_epi64(from[v], shift), index));
}

AVX512 static inline void count_reads(__m512i *read, const __mmask8 *live) {
  for (int v = 0; v < VECTORS; v++)
    read[v] = _mm512_mask_add_epi64(read[v], live[v], read[v], _mm512_set1_epi64(1));
}

AVX512 static void gather_translate(const lockstep_memory *memory, const lockstep_stage *stage,
                                    const __m512i *from, const __mmask8 *going, __m512i *to,
                                    __mmask8 *plain, __m512i *read) {
  __m512i table[VECTORS], at[VECTORS], entries[VECTORS];
  __mmask8 live[VECTORS];
  const __m128i top = _mm_cvtsi32_si128(12 + 9 * (int)stage->levels);
  for (int v = 0; v < VECTORS; v++) {
    const __m512i above = _mm512_srl_epi64(from[v], top);
    const __mmask8 beyond = _mm512_mask_test_epi64_mask(going[v], above, above);
    plain[v] &= (__mmask8)~beyond;
    live[v] = going[v] & (__mmask8)~beyond;
    table[v] = _mm512_set1_epi64((long long)stage->root);
  }
  for (int level = (int)stage->levels - 1; level >= 0; level--) {
    place_entries(table, from, level, at);
    gather_entries(memory, at, live, entries);
    count_reads(read, live);
    descend(stage, level, from, entries, live, plain, table, to);
  }
}

AVX512 static void gather_chunk(const lockstep_memory *memory, const lockstep_stage *first,
                                const lockstep_stage *second, const uint64_t *addresses,
                                uint64_t *hosts, uint8_t *references) {
  __m512i from[VECTORS], guest[VECTORS], wanted[VECTORS], at[VECTORS], entries[VECTORS];
  __m512i read[VECTORS], ends[VECTORS];
  __mmask8 going[VECTORS], plain[VECTORS];
  const __m128i unused = _mm_cvtsi32_si128(64 - (12 + 9 * (int)first->levels));
  for (int v = 0; v < VECTORS; v++) {
    from[v] = _mm512_loadu_si512(addresses + 8 * v);
    const __m512i extended = _mm512_sra_epi64(_mm512_sll_epi64(from[v], unused), unused);
    plain[v] = going[v] = _mm512_cmpeq_epi64_mask(extended, from[v]);
    guest[v] = _mm512_set1_epi64((long long)first->root);
    read[v] = ends[v] = at[v] = _mm512_setzero_si512();
  }
  for (int level = (int)first->levels - 1; level >= 0; level--) {
    place_entries(guest, from, level, wanted);
    if (second->levels > 0) {
      gather_translate(memory, second, wanted, going, at, plain, read);
      for (int v = 0; v < VECTORS; v++) going[v] &= plain[v];
    } else {
      memcpy(at, wanted, sizeof at);
    }
    gather_entries(memory, at, going, entries);
    count_reads(read, going);
    descend(first, level, from, entries, going, plain, guest, ends);
  }
  if (second->levels > 0) {
    gather_translate(memory, second, ends, plain, at, plain, read);
    memcpy(ends, at, sizeof ends);
  }
  for (int v = 0; v < VECTORS; v++) {
    const __m512i end =
        _mm512_mask_mov_epi64(_mm512_set1_epi64(-1), plain[v], ends[v]);
    _mm512_storeu_si512(hosts + 8 * v, end);
    _mm_storel_epi64((__m128i *)(references + 8 * v), _mm512_cvtepi64_epi8(read[v]));
  }
}

void lockstep_walk_gather(const lockstep_memory *memory, const lockstep_stage *first,
                          const lockstep_stage *second, const uint64_t *addresses, size_t count,
                          uint64_t *hosts, uint8_t *references) {
  walk_all(gather_chunk, memory, first, second, addresses, count, hosts, references);
}

int lockstep_has_gather(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
}
#else
void lockstep_walk_gather(const lockstep_memory *memory, const lockstep_stage *first,
                          const lockstep_stage *second, const uint64_t *addresses, size_t count,
                          uint64_t *hosts, uint8_t *references) {
  lockstep_walk(memory, first, second, addresses, count, hosts, references);
}

int lockstep_has_gather(void) { return 0; }
#endif
