/**
 * A streaming reader of tar archives, for archives that nobody vouches for.
 *
 * It understands `ustar`, the seventh edition's form, pax headers and GNU's long names. It writes
 * nothing, and holds one header and one piece of content at a time.
 *
 * @module
 */
import { clean, PullFailure } from "../../oci/failure.ts";
import { ENTRIES_MAX, EXTRA_BYTES_MAX, EXTRA_BYTES_TOTAL_MAX } from "../limits.ts";
import { ByteSource, endsEarly } from "./byte_source.ts";
import { BLOCK_BYTES, broken, type Header, parseHeader, text } from "./header.ts";
import { parsePax, type Pax } from "./pax.ts";

/** One thing in an archive. Names are as written: who uses them checks them. */
export type TarEntry =
  | { readonly kind: "file"; readonly path: string; readonly size: number; readonly body: TarBody }
  | { readonly kind: "folder"; readonly path: string }
  | {
    readonly kind: "hard_link" | "symbolic_link";
    readonly path: string;
    readonly target: string;
  };

/** Content of a file, piece by piece; a piece is only valid until the next one is asked for. */
export type TarBody = AsyncGenerator<Uint8Array, void, undefined>;

/**
 * The entries of an archive, in their order. Content that the caller does not read is passed over;
 * after the last entry the bytes are read to their end, so that a digest over them is whole.
 *
 * Throws a `PullFailure` for an archive that is cut off or malformed, and for what no image of a Wasm
 * program holds: devices, pipes, files with holes, parts of other archives.
 */
export async function* readTar(
  bytes: AsyncIterable<Uint8Array>,
  entriesMax = ENTRIES_MAX,
): AsyncGenerator<TarEntry, void, undefined> {
  const source = new ByteSource(bytes);
  try {
    const headers = new Headers(source, entriesMax);
    for (let header = await headers.next(); header !== undefined; header = await headers.next()) {
      const content = new Content(source, header.size);
      const entry = entryOf(header, content);
      if (entry !== undefined) yield entry;
      await content.finish();
    }
    while (await source.some(BLOCK_BYTES * 128) !== undefined);
  } finally {
    await source.close();
  }
}

function entryOf({ type, name, linkName, size }: Header, content: Content): TarEntry | undefined {
  switch (type) {
    case "0":
    case "7": // A file that was contiguous on a disk of its time.
      // The seventh edition had no flag for folders.
      if (name.endsWith("/")) return { kind: "folder", path: name };
      return { kind: "file", path: name, size, body: content.pieces() };
    case "1":
      return { kind: "hard_link", path: name, target: linkName };
    case "2":
      return { kind: "symbolic_link", path: name, target: linkName };
    case "5":
      return { kind: "folder", path: name };
    case "V": // The archive's own title.
      return undefined;
    default:
      throw new PullFailure(
        `its file "${clean(name)}" is ${
          UNWANTED[type] ?? "of an unknown kind"
        }, which no guest can ` +
          `use; leave it out of the image`,
      );
  }
}

/** Kinds of entries that are refused, in a person's words. */
const UNWANTED: Readonly<Record<string, string>> = {
  "3": "a character device",
  "4": "a block device",
  "6": "a named pipe",
  "S": "a sparse file in GNU's old format",
  "M": "a part of a file that began in another archive",
  "D": "a list of an incremental backup",
};

/** The headers of an archive, each with all that extra headers say of it. */
export class Headers {
  readonly #source: Pick<ByteSource, "exactly" | "pass">;
  #global: Pax = {};
  readonly #entriesMax: number;
  #extraBytes = 0;
  #entries = 0;

  /** Between two headers, whoever reads passes over the content and its padding. */
  constructor(source: Pick<ByteSource, "exactly" | "pass">, entriesMax = ENTRIES_MAX) {
    this.#source = source;
    this.#entriesMax = entriesMax;
  }

  /** The next one; undefined at the end. Throws a `PullFailure` for what is no archive. */
  async next(): Promise<Header | undefined> {
    let local: Pax = {};
    for (let isFirst = true;; isFirst = false) {
      const block = await this.#source.exactly(BLOCK_BYTES);
      const header = block === undefined ? undefined : parseHeader(block);
      if (header === undefined) {
        if (isFirst) return undefined;
        throw endsEarly();
      }
      const { type } = header;
      if (type === "g") this.#global = { ...this.#global, ...parsePax(await this.#extra(header)) };
      else if (type === "x") local = { ...local, ...parsePax(await this.#extra(header)) };
      else if (type === "L") local = { ...local, path: text(await this.#extra(header)) };
      else if (type === "K") local = { ...local, linkpath: text(await this.#extra(header)) };
      else {
        // Also those that no tree is told of, as they cost time.
        if (++this.#entries > this.#entriesMax) {
          throw broken(`it has more than ${this.#entriesMax} entries`);
        }
        return withPax(header, { ...this.#global, ...local });
      }
    }
  }

  async #extra({ size }: Header): Promise<Uint8Array> {
    this.#extraBytes += size + BLOCK_BYTES;
    if (size > EXTRA_BYTES_MAX || this.#extraBytes > EXTRA_BYTES_TOTAL_MAX) {
      throw broken(`its extra headers have more than ${EXTRA_BYTES_MAX} bytes`);
    }
    if (size === 0) return new Uint8Array(0);
    const bytes = await this.#source.exactly(size);
    if (bytes === undefined) throw endsEarly();
    await this.#source.pass(padding(size));
    return bytes;
  }
}

function withPax(header: Header, pax: Pax): Header {
  const name = pax.path ?? header.name;
  if (pax.sparse === true) {
    throw new PullFailure(
      `its file "${
        clean(name)
      }" is sparse, which this node cannot unpack; pack it without --sparse`,
    );
  }
  const hasContent = header.type === "0" || header.type === "7";
  return {
    type: header.type,
    name,
    linkName: pax.linkpath ?? header.linkName,
    // Some archivers note the size of a link's target: no content follows.
    size: hasContent ? pax.size ?? header.size : isLink(header) ? 0 : header.size,
  };
}

function isLink({ type }: Header): boolean {
  return type === "1" || type === "2" || type === "5";
}

/** Content of one entry: read once, or passed over. */
class Content {
  readonly #source: ByteSource;
  readonly #padding: number;
  #left: number;

  constructor(source: ByteSource, size: number) {
    this.#source = source;
    this.#left = size;
    this.#padding = padding(size);
  }

  async *pieces(): TarBody {
    while (this.#left > 0) {
      const piece = await this.#source.some(this.#left);
      if (piece === undefined) throw endsEarly();
      this.#left -= piece.length;
      yield piece;
    }
  }

  async finish(): Promise<void> {
    await this.#source.pass(this.#left);
    this.#left = 0;
    await this.#source.pass(this.#padding);
  }
}

function padding(size: number): number {
  return (BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES;
}
