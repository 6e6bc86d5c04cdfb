/**
 * Archives that are the same, byte for byte, whenever and wherever they are made.
 *
 * @module
 */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Zippable, zipSync } from "fflate";
import { pack } from "tar-stream";

/** A file of an archive. */
export interface ArchiveFile {
  /** With forward slashes, and no slash at its beginning. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

/** The time of all files, in UTC: the first that a zip archive can hold. */
const WHEN = new Date(Date.UTC(1980, 0, 1));
/** Where gzip names the system that made it (RFC 1952 §2.3.1), and what says that it is unknown. */
const GZIP_OS = { offset: 9, unknown: 255 } as const;
/** The system that zip's file modes are meant for: Unix (APPNOTE 4.4.2). */
const ZIP_UNIX = 3;

/** A `tar.gz` (POSIX ustar). Files belong to nobody in particular, and lie in the order of their paths. */
export async function tarGz(files: readonly ArchiveFile[]): Promise<Uint8Array> {
  const tar = pack();
  const parts = collect(tar);
  for (const { path, bytes, executable } of inOrder(files)) {
    const mode = executable ? 0o755 : 0o644;
    const header = { name: path, mode, mtime: WHEN, uid: 0, gid: 0, size: bytes.length };
    await new Promise<void>((resolve, reject) => {
      const entry = tar.entry(header, (error) => error ? reject(error) : resolve());
      entry.end(bytes);
    });
  }
  tar.finalize();
  // Not on this thread: an archive takes seconds, and there are others.
  const zipped = await promisify(gzip)(await parts, { level: 9 });
  zipped[GZIP_OS.offset] = GZIP_OS.unknown;
  return zipped;
}

/** A `zip`, with the modes that Unix knows. */
export function zip(files: readonly ArchiveFile[]): Uint8Array {
  const entries: Zippable = {};
  for (const { path, bytes, executable } of inOrder(files)) {
    const attrs = (0o100000 | (executable ? 0o755 : 0o644)) * 0x10000;
    entries[path] = [bytes, { attrs, os: ZIP_UNIX }];
  }
  // fflate writes the parts of a local time.
  return zipSync(entries, { level: 9, mtime: new Date(1980, 0, 1, 12) });
}

function inOrder(files: readonly ArchiveFile[]): ArchiveFile[] {
  return [...files].sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
}

async function collect(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part as Uint8Array);
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
