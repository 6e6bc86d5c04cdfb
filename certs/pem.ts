/**
 * PEM armour (RFC 7468): base64 between two lines that name what is inside.
 *
 * @module
 */

/** One armoured block. */
export interface PemBlock {
  /** The words of the first line, such as `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array<ArrayBuffer>;
}

/** Writes one block, 64 characters a line, with a line feed at the end. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/**
 * The blocks of a text in their order; words between blocks are skipped, as RFC 7468 allows.
 *
 * @throws {SyntaxError} if a block does not end, or does not hold base64.
 */
export function decodePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/g;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const label = match[1]!;
    const end = `-----END ${label}-----`;
    const endsAt = text.indexOf(end, begin.lastIndex);
    if (endsAt < 0) throw new SyntaxError(`Cannot read PEM block "${label}": it does not end`);
    const body = text.slice(begin.lastIndex, endsAt);
    try {
      blocks.push({ label, der: Uint8Array.fromBase64(body) });
    } catch (cause) {
      throw new SyntaxError(`Cannot read PEM block "${label}": it is not base64`, { cause });
    }
    begin.lastIndex = endsAt + end.length;
  }
  return blocks;
}
