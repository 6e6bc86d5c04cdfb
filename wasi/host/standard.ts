import { FILETYPE } from "../abi.ts";
import type { FileStat } from "./file_stat.ts";

/**
 * The file type that a guest is told of a standard stream of this process. A guest takes a character
 * device for a terminal, so one that is none, as `/dev/null`, is of no known type.
 */
export function standardFiletype(number: 0 | 1 | 2, filetype: number): number {
  const isTerminal = [Deno.stdin, Deno.stdout, Deno.stderr][number]!.isTerminal();
  return filetype === FILETYPE.characterDevice && !isTerminal ? FILETYPE.unknown : filetype;
}

/**
 * Tells a guest of a standard stream that is no file: its type. Which pipe or terminal of this machine
 * it is, and when somebody used it, is not the guest's to know; wasmtime tells nothing of it either.
 */
export function tellStream(filetype: number, out: FileStat): void {
  out.fields.fill(0n);
  out.filetype = filetype;
  out.nlink = 1n;
}
