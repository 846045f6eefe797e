// What Swift cannot say without a call or a long way round: comparing all tags of a set at once, and
// asking for memory ahead of its use. Inlined into Swift, and without processor flags: SSE2 is part of
// every x86-64, and elsewhere the compiler makes of the loops what it can.
#ifndef NESTWALK_LANES_H
#define NESTWALK_LANES_H

#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Which of sixteen tags equal `tag`, one bit each; `tags` stand on a 16-byte boundary.
static inline uint32_t lanes_equal16(const uint32_t *tags, uint32_t tag) {
#if defined(__SSE2__)
  const __m128i wanted = _mm_set1_epi32((int)tag);
  const __m128i *lines = (const __m128i *)tags;
  const __m128i low = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(lines), wanted),
                                      _mm_cmpeq_epi32(_mm_load_si128(lines + 1), wanted));
  const __m128i high = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_load_si128(lines + 2), wanted),
                                       _mm_cmpeq_epi32(_mm_load_si128(lines + 3), wanted));
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
#else
  uint32_t mask = 0;
  for (int way = 0; way < 16; way++) mask |= (uint32_t)(tags[way] == tag) << way;
  return mask;
#endif
}

/// Asks for the cache line at an address that will be read.
static inline void lanes_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

#endif
