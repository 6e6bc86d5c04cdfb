/* Greets, and tells what its Pod gave it. */
#include <stdio.h>
#include <stdlib.h>

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

int main(int argc, char **argv) {
  puts("Hello from C!");
  printf("My Pod is %s/%s\n", setting("NAMESPACE"), setting("POD"));
  printf("My arguments are:");
  for (int i = 1; i < argc; i++) printf(" %s", argv[i]);
  printf("\n");
  return 0;
}
