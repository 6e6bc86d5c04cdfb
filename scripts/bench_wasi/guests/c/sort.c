// Sorts numbers with the C library's qsort: indirect calls to a small function.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *x, const void *y) {
  uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
  return (a > b) - (a < b);
}

int main(int argc, char **argv) {
  size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 3000000;
  uint32_t *numbers = malloc(sizeof(uint32_t) * n), seed = 1;
  for (size_t i = 0; i < n; i++) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    numbers[i] = seed;
  }
  qsort(numbers, n, sizeof(uint32_t), compare);
  printf("%u %u\n", numbers[0], numbers[n / 2]);
}
