/**
 * Reads an answer's body within a limit, as one text or line by line.
 *
 * @module
 */

/** Reads a body to its end and decodes it. Throws when it is longer than `bytesMax`. */
export async function readText(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  bytesMax: number,
): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) {
      throw new RangeError(`Cannot read the answer: it is longer than ${bytesMax} bytes`);
    }
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

/**
 * Splits a body at its line feeds. Empty lines are left out; a last line without a line feed is
 * given as it is. Throws when one line is longer than `bytesMax`.
 */
export async function* splitLines(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  bytesMax: number,
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  // Pieces of a line that is not complete yet: joined once, so a long line costs linear time.
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const add = (piece: Uint8Array<ArrayBuffer>): void => {
    bytes += piece.byteLength;
    if (bytes > bytesMax) {
      throw new RangeError(`Cannot read the stream: a line is longer than ${bytesMax} bytes`);
    }
    pieces.push(piece);
  };
  const take = (): string => {
    const text = pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") +
      decoder.decode();
    pieces = [];
    bytes = 0;
    return text;
  };
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      const line = take();
      if (line !== "") yield line;
    }
    if (start < chunk.byteLength) add(chunk.subarray(start));
  }
  const rest = take();
  if (rest !== "") yield rest;
}

const LF = 10;
