/**
 * Where libc may be, likely places first. A process is started with `--allow-ffi=` one of these:
 * Deno compares the text, so the name without its folder opens only with unlimited permission.
 */
export function libcPaths(): readonly string[] {
  const arch = Deno.build.arch;
  return [
    `/lib/${arch}-linux-gnu/libc.so.6`,
    `/usr/lib/${arch}-linux-gnu/libc.so.6`,
    "/lib64/libc.so.6",
    "/usr/lib64/libc.so.6",
    "/usr/lib/libc.so.6",
    "libc.so.6",
  ];
}
