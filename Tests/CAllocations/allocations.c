// The program's own malloc stands before the C library's, counts, and calls it.
#include "allocations.h"

#include <stddef.h>

static _Thread_local uint64_t made;

uint64_t allocations_of_this_thread(void) { return made; }

#if defined(__GLIBC__)
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  made++;
  return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  made++;
  return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
  made++;
  return __libc_realloc(memory, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  made++;
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  made++;
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : 12;
}
#endif
