/**
 * What a program's file says of itself: for which machine it is, and what it needs there.
 *
 * @module
 */
import { readElf } from "./elf.ts";
import type { Executable } from "./file.ts";
import { readMachO } from "./mach_o.ts";
import { readPe } from "./pe.ts";

/** Reads ELF, Mach-O and PE files of 64 bits; throws for all others, and for what is cut off. */
export function readExecutable(bytes: Uint8Array): Executable {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (bytes.length >= 4 && view.getUint32(0) === MAGIC.elf) return readElf(view);
    if (bytes.length >= 4 && view.getUint32(0, true) === MAGIC.machO) return readMachO(view);
    if (bytes.length >= 2 && view.getUint16(0) === MAGIC.pe) return readPe(view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Error("Cannot read program: it names a place behind its end", { cause: error });
  }
  throw new Error("Cannot read program: it is no ELF, Mach-O or PE file of 64 bits");
}

/** How files begin: `\x7fELF`, 0xfeedfacf, `MZ`. */
const MAGIC = { elf: 0x7f454c46, machO: 0xfeedfacf, pe: 0x4d5a } as const;
