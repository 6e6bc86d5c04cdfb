// Multiplies two square matrices of doubles, naively and in one main.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 1000;
  double *a = malloc(sizeof(double) * n * n);
  double *b = malloc(sizeof(double) * n * n);
  double *c = calloc((size_t)n * n, sizeof(double));
  for (int i = 0; i < n * n; i++) {
    a[i] = i % 7;
    b[i] = i % 11;
  }
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++) {
      double x = a[i * n + k];
      for (int j = 0; j < n; j++) c[i * n + j] += x * b[k * n + j];
    }
  }
  double sum = 0;
  for (int i = 0; i < n * n; i++) sum += c[i];
  printf("%.0f\n", sum);
}
