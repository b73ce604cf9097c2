#include "CLinux.h"

#include <malloc.h>

uint64_t linux_heap_in_use(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

void linux_trim_heap(void) { malloc_trim(0); }
