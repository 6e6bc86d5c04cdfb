import type { Bytes, Source } from "./streams.ts";

/**
 * Bytes of one line: a longer one is taken apart, so that a file without line ends costs no more memory.
 */
export const LINE_BYTES_MAX = 1024 * 1024;

const NEWLINE = 10;

/** The lines of a source, each with its line end if it has one; each is its taker's. */
export async function* linesOf(source: Source): AsyncGenerator<Bytes, void> {
  let parts: Bytes[] = [];
  let length = 0;
  for (let bytes = await source.read(); bytes !== undefined; bytes = await source.read()) {
    for (let at = 0; at < bytes.length;) {
      const found = bytes.indexOf(NEWLINE, at);
      const end = Math.min(found < 0 ? bytes.length : found + 1, at + LINE_BYTES_MAX - length);
      parts.push(bytes.slice(at, end));
      length += end - at;
      at = end;
      if (bytes[end - 1] !== NEWLINE && length < LINE_BYTES_MAX) continue;
      yield joined(parts, length);
      [parts, length] = [[], 0];
    }
  }
  if (length > 0) yield joined(parts, length);
}

/** Pieces as one. */
export function joined(parts: readonly Bytes[], length: number): Bytes {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
