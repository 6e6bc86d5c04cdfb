import assert from "node:assert/strict";
import { newestGlibc } from "./elf.ts";
import { readExecutable } from "./executable.ts";
import type { Executable } from "./file.ts";
import { objectionsTo } from "./fitness.ts";

/** Little-endian numbers and texts at their places. */
function image(
  length: number,
  parts: readonly (readonly [number, "u8" | "u16" | "u32" | "u64" | "text", number | string])[],
): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [at, kind, value] of parts) {
    if (typeof value === "string") bytes.set(new TextEncoder().encode(value), at);
    else if (kind === "u8") view.setUint8(at, value);
    else if (kind === "u16") view.setUint16(at, value, true);
    else if (kind === "u32") view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
  }
  return bytes;
}

/** One library with two versions; addresses are places in the file and 0x1000. */
const ELF = image(0x400, [
  ...[[0, "text", "\x7fELF"], [4, "u8", 2], [5, "u8", 1], [18, "u16", 183]] as const,
  ...[[32, "u64", 64], [54, "u16", 56], [56, "u16", 2]] as const,
  ...[[64, "u32", 1], [72, "u64", 0], [80, "u64", 0x1000], [96, "u64", 0x400]] as const,
  ...[[120, "u32", 2], [128, "u64", 0x100], [136, "u64", 0x1100], [152, "u64", 0x50]] as const,
  ...[[0x100, "u64", 1], [0x108, "u64", 1], [0x110, "u64", 5], [0x118, "u64", 0x1200]] as const,
  ...[[0x120, "u64", 0x6ffffffe], [0x128, "u64", 0x1300]] as const,
  ...[[0x130, "u64", 0x6fffffff], [0x138, "u64", 1]] as const,
  ...[[0x201, "text", "libc.so.6"], [0x210, "text", "GLIBC_2.9"]] as const,
  ...[[0x220, "text", "GLIBC_2.27"]] as const,
  ...[[0x302, "u16", 2], [0x308, "u32", 16], [0x318, "u32", 0x10], [0x31c, "u32", 16]] as const,
  [0x328, "u32", 0x20],
]);

const MACH_O = image(0x100, [
  ...[[0, "u32", 0xfeedfacf], [4, "u32", 0x0100000c], [16, "u32", 2]] as const,
  ...[[32, "u32", 0x32], [36, "u32", 24], [44, "u32", 0x000c0100]] as const,
  ...[[56, "u32", 0xc], [60, "u32", 56], [64, "u32", 24]] as const,
  [80, "text", "/usr/lib/libSystem.B.dylib"],
]);

/** One section from address 0x1000 on, and a library in each of the two tables. */
const PE = image(0x500, [
  ...[[0, "text", "MZ"], [0x3c, "u32", 0x80], [0x80, "text", "PE"], [0x84, "u16", 0x8664]] as const,
  ...[[0x86, "u16", 1], [0x94, "u16", 0xf0], [0x98, "u16", 0x20b], [0x104, "u32", 16]] as const,
  ...[[0x110, "u32", 0x1000], [0x170, "u32", 0x1080]] as const,
  ...[[0x194, "u32", 0x1000], [0x198, "u32", 0x200], [0x19c, "u32", 0x300]] as const,
  ...[[0x30c, "u32", 0x1100], [0x400, "text", "KERNEL32.dll"]] as const,
  ...[[0x384, "u32", 0x1120], [0x420, "text", "libssl-3-x64.dll"]] as const,
]);

Deno.test("readExecutable() reads Linux programs", () => {
  const found = { os: "linux", arch: "arm64", libraries: ["libc.so.6"], needs: "glibc 2.27" };
  assert.deepEqual(readExecutable(ELF), found);
});

Deno.test("readExecutable() reads macOS programs", () => {
  const libraries = ["/usr/lib/libSystem.B.dylib"];
  assert.deepEqual(readExecutable(MACH_O), {
    ...{ os: "darwin", arch: "arm64", libraries, needs: "macOS 12.1.0" },
  });
});

Deno.test("readExecutable() reads Windows programs with what they import late", () => {
  const libraries = ["KERNEL32.dll", "libssl-3-x64.dll"];
  assert.deepEqual(readExecutable(PE), { os: "windows", arch: "amd64", libraries });
});

Deno.test("readExecutable() reads the program that runs this test", () => {
  const { os, arch, libraries } = readExecutable(Deno.readFileSync(Deno.execPath()));
  assert.equal(os, Deno.build.os);
  assert.equal(arch, Deno.build.arch === "x86_64" ? "amd64" : "arm64");
  assert.notEqual(libraries.length, 0);
});

Deno.test("readExecutable() refuses what is cut off at any byte, and does not hang", () => {
  for (const whole of [ELF, MACH_O, PE]) {
    for (let length = 0; length < whole.length; length++) {
      try {
        readExecutable(whole.subarray(0, length));
      } catch (error) {
        assert.match(String(error), /^Error: Cannot read /, `${length} bytes`);
      }
    }
  }
  const endless = MACH_O.slice();
  new DataView(endless.buffer).setUint32(36, 0, true);
  assert.throws(() => readExecutable(endless), /names a place behind its end/);
  assert.throws(() => readExecutable(new TextEncoder().encode("#!/bin/sh")), /it is no ELF/);
});

Deno.test("newestGlibc() compares numbers, not letters", () => {
  assert.equal(newestGlibc(["GLIBC_2.9", "GLIBC_2.27", "GCC_99", "GLIBC_2.2.5"]), "glibc 2.27");
  assert.equal(newestGlibc(["GCC_4.2.0"]), undefined);
});

Deno.test("objectionsTo() lets nothing pass that people would have to install", () => {
  assert.deepEqual(objectionsTo(readExecutable(ELF), "linux-arm64"), []);
  assert.deepEqual(objectionsTo(readExecutable(ELF), "linux-amd64"), [
    "it is made for linux-arm64",
  ]);
  const of = objectionsTo(readExecutable(PE), "windows-amd64");
  assert.deepEqual(of, ["not every system has libssl-3-x64.dll"]);
  const linux: Executable = { os: "linux", arch: "amd64", libraries: [], needs: "glibc 2.100" };
  const names = ["libssl.so.3", "libcrypto.so.3", "libc.so.6"];
  assert.deepEqual(objectionsTo({ ...linux, libraries: names }, "linux-amd64"), [
    "it needs glibc 2.100, and glibc 2.27 is promised",
    "not every system has libssl.so.3, libcrypto.so.3",
  ]);
  const { needs: _, ...silent } = linux;
  assert.deepEqual(objectionsTo(silent, "linux-amd64"), [
    "it needs an unknown system, and glibc 2.27 is promised",
    "it names no library: nothing can be judged",
  ]);
});
