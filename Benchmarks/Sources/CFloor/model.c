#include "floor.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define FAST __attribute__((target("avx512f,bmi,bmi2")))
#else
#define FAST
#endif

enum { WAYS = 16, LEVELS = 4 };

floor_sets floor_sets_make(uint32_t sets) {
  floor_sets made = {aligned_alloc(64, 64 * (size_t)sets), malloc(8 * (size_t)sets), sets};
  memset(made.tags, 0xff, 64 * (size_t)sets);
  for (uint32_t set = 0; set < sets; set++) made.orders[set] = 0xfedcba9876543210u;
  return made;
}

void floor_sets_free(floor_sets sets) {
  free(sets.tags);
  free(sets.orders);
}

/// Finds a number in a set and makes it the most recent, in place of the least recent if need be.
FAST static inline int exchange(floor_sets *sets, uint32_t number, uint32_t bits) {
  const uint32_t set = bits & (sets->sets - 1);
  uint32_t *tags = sets->tags + WAYS * (size_t)set;
#if defined(__x86_64__)
  const uint32_t found =
      _mm512_cmpeq_epi32_mask(_mm512_load_si512(tags), _mm512_set1_epi32((int)number));
#else
  uint32_t found = 0;
  for (int way = 0; way < WAYS; way++) found |= (uint32_t)(tags[way] == number) << way;
#endif
  const uint64_t order = sets->orders[set];
  const uint64_t way = found ? (uint64_t)__builtin_ctz(found) : order >> 60;
  const uint64_t differs = order ^ (way * 0x1111111111111111u);
  const uint64_t zeros = (differs - 0x1111111111111111u) & ~differs & 0x8888888888888888u;
  const uint64_t place = (uint64_t)__builtin_ctzll(zeros) & ~3ull;
  const uint64_t below = (1ull << place) - 1;
  sets->orders[set] = (order & ~(below | (0xfull << place))) | (order & below) << 4 | way;
  tags[way] = number;
  return found != 0;
}

/// The second stage for one guest-physical page; returns the entries read.
FAST static inline int walk_second(floor_model *model, int step, uint32_t nested, uint32_t node,
                                   int leaf) {
  if (exchange(&model->nested, nested, 0)) {
    model->second_ends[step][leaf][7]++;
    return 0;
  }
  int level = leaf + 1;
  while (level < LEVELS && !exchange(&model->second_caches[level], node, 0)) {
    node = model->second_nodes[level][node].parent;
    level++;
  }
  model->second_ends[step][leaf][level]++;
  return level - leaf;
}

FAST static inline int walk(floor_model *model, uint32_t number) {
  const floor_record record = model->records[number];
  const int leaf = record.word >> 40 & 7;
  uint32_t way[LEVELS + 1];
  uint32_t node = record.first_node;
  int level = leaf + 1, count = 0;
  for (; level < LEVELS; level++) {
    way[level] = node;
    if (exchange(&model->first_caches[level], node, 0)) break;
    node = model->first_nodes[level][node].parent;
  }
  model->first_ends[leaf][level]++;
  if (level == LEVELS)
    count = walk_second(model, level - 1, model->root.nested, model->root.node, (int)model->root.leaf);
  for (level--;; level--) {
    count++;
    if (level == leaf) break;
    const floor_node *table = &model->first_nodes[level][way[level]];
    count += walk_second(model, level - 1, table->nested, table->node, (int)table->leaf);
  }
  count +=
      walk_second(model, 5, number << 1 | 1, record.second_node, (int)(record.word >> 43 & 7));
  model->by_references[count]++;
  return count;
}

FAST void floor_model_replay(floor_model *model, const uint16_t *runs, size_t count,
                             const uint32_t *indices, const uint64_t *words) {
  for (size_t at = 0; at < count; at++) {
    if (at + 16 < count) __builtin_prefetch(model->records + (indices[runs[at + 16]] >> 1), 0, 3);
    const uint32_t index = indices[runs[at]];
    const uint32_t bits = (uint32_t)(words[runs[at]] >> 52);
    if (exchange(&model->first[index & 1], index >> 1, bits)) continue;
    model->first_misses++;
    if (exchange(&model->second[index & 1], index >> 1, bits)) continue;
    model->walks++;
    model->references += (uint64_t)walk(model, index >> 1);
  }
}
