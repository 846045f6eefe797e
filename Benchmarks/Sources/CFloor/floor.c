#define _GNU_SOURCE
#include "floor.h"

#include <sys/mman.h>

static void fill(floor_tlbs *tlbs, uint32_t index) {
  const uint32_t access = index & 1;
  uint32_t *members = tlbs->members[access];
  uint32_t slot = tlbs->count[access];
  tlbs->misses[access]++;
  if (slot < tlbs->ways[access]) {
    tlbs->count[access]++;
  } else {
    slot = 0;
    uint32_t oldest = tlbs->recent[members[0]];
    for (uint32_t way = 1; way < tlbs->ways[access]; way++) {
      const uint32_t time = tlbs->recent[members[way]];
      slot = time < oldest ? way : slot;
      oldest = time < oldest ? time : oldest;
    }
    tlbs->resident[members[slot]] = 0;
  }
  members[slot] = index;
  tlbs->resident[index] = 1;
}

void floor_replay(floor_tlbs *tlbs, const uint16_t *runs, size_t count, const uint32_t *indices) {
  uint32_t now = tlbs->now;
  for (size_t at = 0; at < count; at++) {
    const uint32_t index = indices[runs[at]];
    tlbs->recent[index] = now++;
    if (!tlbs->resident[index]) fill(tlbs, index);
  }
  tlbs->now = now;
}

uint64_t floor_reads(const uint64_t *words, const uint64_t *places, size_t count) {
  uint64_t sum = 0;
  for (size_t at = 0; at < count; at++) {
    if (at + 32 < count) __builtin_prefetch(words + places[at + 32], 0, 3);
    sum ^= words[places[at]];
  }
  return sum;
}

void *floor_arena(size_t bytes) {
  void *arena = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (arena == MAP_FAILED) return 0;
  madvise(arena, bytes, MADV_HUGEPAGE);
  for (size_t at = 0; at < bytes; at += 4096) ((volatile char *)arena)[at] = 1;
  return arena;
}

void floor_release(void *arena, size_t bytes) { munmap(arena, bytes); }
