#include "floor.h"

static inline int digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  letter |= 0x20;
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

floor_accesses floor_lackey(const char *text, size_t bytes) {
  floor_accesses found = {0, 0};
  const char *end = text + bytes;
  while (text < end) {
    // " L 1ffeffe7e,8"; instructions begin in the first column.
    if (end - text > 3 && text[0] == ' ' && (text[1] == 'L' || text[1] == 'S' || text[1] == 'M')) {
      uint64_t address = 0;
      for (text += 3; text < end && digit(*text) >= 0; text++)
        address = address << 4 | (uint64_t)digit(*text);
      found.count++;
      found.sum += address;
    }
    while (text < end && *text != '\n') text++;
    text++;
  }
  return found;
}
