#pragma once
#include <stdint.h>

/// Allocations that the calling thread has made so far.
uint64_t allocations_of_this_thread(void);
