import { FILETYPE } from "../abi.ts";

/**
 * The file type that a guest is told of a standard stream of this process. A guest takes a character
 * device for a terminal, so one that is none, as `/dev/null`, is of no known type.
 */
export function standardFiletype(number: 0 | 1 | 2, filetype: number): number {
  const isTerminal = [Deno.stdin, Deno.stdout, Deno.stderr][number]!.isTerminal();
  return filetype === FILETYPE.characterDevice && !isTerminal ? FILETYPE.unknown : filetype;
}
