/**
 * What a guest process says to its agent, on its standard output.
 *
 * @module
 */
import { OUTPUT_BYTES_MAX } from "./limits.ts";
import { encodeLine, encodeOutputHead, type OutputStream, type SaidInLine } from "./protocol.ts";

/** Says a word. Waits as long as the agent does not read. */
export function say(word: SaidInLine): void {
  write(encodeLine(word));
}

/** Passes on what the guest wrote. Waits as long as the agent does not read. */
export function sayOutput(stream: OutputStream, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += OUTPUT_BYTES_MAX) {
    const piece = bytes.subarray(at, at + OUTPUT_BYTES_MAX);
    write(encodeOutputHead(stream, piece.length));
    write(piece);
  }
}

function write(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += Deno.stdout.writeSync(bytes.subarray(written));
}
