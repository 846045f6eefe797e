// What C makes of the same work: the floor that the Swift figures are held against.
#ifndef NESTWALK_FLOOR_H
#define NESTWALK_FLOOR_H

#include <stddef.h>
#include <stdint.h>

/// A first level of two fully associative LRU TLBs over runs of numbered translations.
typedef struct {
  uint32_t *recent;
  uint8_t *resident;
  uint32_t *members[2];
  uint32_t ways[2];
  uint32_t count[2];
  uint64_t misses[2];
  uint32_t now;
} floor_tlbs;

/// Looks every run up; an index is twice a translation's number, plus one for data.
void floor_replay(floor_tlbs *tlbs, const uint16_t *runs, size_t count, const uint32_t *indices);

/// Sets of sixteen ways in exact LRU order.
typedef struct {
  uint32_t *tags;
  uint64_t *orders;
  uint32_t sets;
} floor_sets;

/// What is known of a translation's walk: as `WalkRecord` lays it out.
typedef struct {
  uint64_t word;
  uint32_t first_node;
  uint32_t second_node;
} floor_record;

/// A prefix of an address and the table behind it: as `WalkNodes.Node` lays it out.
typedef struct {
  uint32_t parent;
  uint64_t frame;
  uint32_t nested;
  uint32_t node;
  int64_t leaf;
} floor_node;

/// Two levels of TLBs for instructions and data, and one-set walk caches of four levels over four.
typedef struct {
  floor_sets first[2];
  floor_sets second[2];
  floor_sets first_caches[4];
  floor_sets second_caches[4];
  floor_sets nested;
  const floor_record *records;
  const floor_node *first_nodes[4];
  const floor_node *second_nodes[4];
  floor_node root;
  uint64_t first_misses;
  uint64_t walks;
  uint64_t references;
  /// What else the Swift model counts.
  uint64_t first_ends[8][8];
  uint64_t second_ends[8][8][8];
  uint64_t by_references[40];
} floor_model;

floor_sets floor_sets_make(uint32_t sets);
void floor_sets_free(floor_sets sets);

/// Takes runs through the whole model, one after another, by AVX-512; the words of entries have the
/// low bits of their pages in 63:52.
void floor_model_replay(floor_model *model, const uint16_t *runs, size_t count,
                        const uint32_t *indices, const uint64_t *words);

/// Reads words at independent places and returns their sum without carry.
uint64_t floor_reads(const uint64_t *words, const uint64_t *places, size_t count);

/// Memory on large pages where the kernel has them.
void *floor_arena(size_t bytes);
void floor_release(void *arena, size_t bytes);

/// Data accesses of a lackey trace and the sum of their addresses, by the plainest loop.
typedef struct {
  uint64_t count;
  uint64_t sum;
} floor_accesses;

floor_accesses floor_lackey(const char *text, size_t bytes);

#endif
