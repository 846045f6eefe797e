// Nested walks that read every entry, sixty-four lanes in lock step: each lane reads its next entry
// before any reads the one after, so that the misses of all lanes overlap.
#ifndef NESTWALK_LOCKSTEP_H
#define NESTWALK_LOCKSTEP_H

#include <stddef.h>
#include <stdint.h>

/// A cell of the hash table that leads from a frame to the words in it.
typedef struct {
  /// One more than the frame's number; 0 for an empty cell.
  uint64_t key;
  uint64_t *words;
} lockstep_cell;

/// Memory: `1 << log` cells, of which at least one is empty.
typedef struct {
  const lockstep_cell *cells;
  uint32_t log;
} lockstep_memory;

/// What an entry must look like: `entry & mask == value`.
typedef struct {
  uint64_t mask;
  uint64_t value;
} lockstep_form;

/// The tables of one stage: at most five levels, whose pages are 4 KiB, 2 MiB and 1 GiB.
typedef struct {
  /// The address of the first table.
  uint64_t root;
  uint32_t levels;
  lockstep_form table;
  lockstep_form leaf[3];
} lockstep_stage;

/// Where a lane ended whose way is not all of these forms.
#define LOCKSTEP_NOT_PLAIN UINT64_MAX

/// Walks addresses through both stages, or through the first alone where the second has no levels.
///
/// Nothing is written to the tables. `hosts` and `references` have a place for each address: the host
/// address, or `LOCKSTEP_NOT_PLAIN`, and the entries read.
void lockstep_walk(const lockstep_memory *memory, const lockstep_stage *first,
                   const lockstep_stage *second, const uint64_t *addresses, size_t count,
                   uint64_t *hosts, uint8_t *references);

/// The same by gathers of AVX-512; only where `lockstep_has_gather`.
void lockstep_walk_gather(const lockstep_memory *memory, const lockstep_stage *first,
                          const lockstep_stage *second, const uint64_t *addresses, size_t count,
                          uint64_t *hosts, uint8_t *references);

/// This processor has the instructions of `lockstep_walk_gather`.
int lockstep_has_gather(void);

#endif
