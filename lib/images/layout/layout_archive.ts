/**
 * An OCI image layout in a tar archive, as `docker buildx build -o type=oci`, `docker save`, skopeo and
 * podman write it.
 *
 * Nothing of it is unpacked: its headers are walked once, and then its files are read where they lie.
 *
 * @module
 */
import { clean, PullFailure } from "../oci/failure.ts";
import { isDigest } from "../oci/reference.ts";
import { LayoutFile, type LayoutFiles } from "./layout_files.ts";
import { openRegular } from "./local_file.ts";
import { BLOCK_BYTES, type Header } from "./tar/header.ts";
import { Headers } from "./tar/reader.ts";

/** Entries of an archive: a folder, or one blob of a manifest, a config or a layer each. */
export const ARCHIVE_ENTRIES_MAX = 10_000;

/** Where a file lies in its archive. */
interface Span {
  readonly from: number;
  readonly size: number;
}

/** The files of a layout that is an archive. */
export class LayoutArchive implements LayoutFiles {
  readonly path: string;
  readonly #spans: ReadonlyMap<string, Span>;

  /** Walks over the archive. Throws a `PullFailure` for what is none, or is cut off. */
  static async open(path: string, signal: AbortSignal): Promise<LayoutArchive> {
    using file = await openRegular(path);
    const { size } = await file.stat();
    try {
      return new LayoutArchive(
        path,
        await spansIn(new LayoutFile(file, whole(path, size)), signal),
      );
    } catch (error) {
      if (!(error instanceof PullFailure)) throw error;
      // The reader of archives speaks of layers, which are what it reads as a rule.
      const state = error.state.replace(/^one of its layers/, `"${path}"`);
      throw new PullFailure(state, { cause: error });
    }
  }

  private constructor(path: string, spans: ReadonlyMap<string, Span>) {
    this.path = path;
    this.#spans = spans;
  }

  /** See {@linkcode LayoutFiles.open}. */
  async open(name: string): Promise<LayoutFile> {
    const span = this.#spans.get(name);
    if (span === undefined) {
      throw new PullFailure(
        name.startsWith("blobs/")
          ? `"${this.path}" has no "${name}"; write the archive again`
          : `"${this.path}" has no "${name}": it is no image layout; write one with docker buildx ` +
            `build -o type=oci, or skopeo copy … oci-archive:…`,
      );
    }
    const file = await openRegular(this.path);
    return new LayoutFile(file, { shown: `"${name}" of "${this.path}"`, ...span });
  }
}

/** Everything that a layout may have, by name. */
async function spansIn(file: LayoutFile, signal: AbortSignal): Promise<Map<string, Span>> {
  const bytes = new SparseBytes(file);
  await refuseCompressed(file);
  const headers = new Headers(bytes);
  const spans = new Map<string, Span>();
  let count = 0;
  for (let header = await headers.next(); header !== undefined; header = await headers.next()) {
    signal.throwIfAborted();
    if (++count > ARCHIVE_ENTRIES_MAX) {
      throw new PullFailure(`${file.shown} has more than ${ARCHIVE_ENTRIES_MAX} entries`);
    }
    const name = layoutName(header.name);
    if (name !== undefined) {
      checkEntry(header, { name, isTwin: spans.has(name), archive: file.shown });
      spans.set(name, { from: bytes.at, size: header.size });
    }
    await bytes.pass(header.size + (BLOCK_BYTES - header.size % BLOCK_BYTES) % BLOCK_BYTES);
  }
  return spans;
}

/** The name in the layout, for what belongs to one; everything else is passed over. */
function layoutName(written: string): string | undefined {
  const name = written.replace(/^(\.\/)+/, "");
  if (name === "oci-layout" || name === "index.json") return name;
  const digest = /^blobs\/([^/]+)\/([^/]+)$/.exec(name);
  return digest !== null && isDigest(`${digest[1]}:${digest[2]}`) ? name : undefined;
}

/** Two files of a name, or a link, would be read in one way here and in another elsewhere. */
function checkEntry(
  { type }: Header,
  { name, isTwin, archive }: {
    readonly name: string;
    readonly isTwin: boolean;
    readonly archive: string;
  },
): void {
  if (isTwin) throw new PullFailure(`${archive} has "${name}" twice; write the archive again`);
  if (type !== "0" && type !== "7") {
    throw new PullFailure(
      `${archive} has "${name}" as something else than a file (type "${clean(type)}"); write the ` +
        "archive again",
    );
  }
}

async function refuseCompressed(file: LayoutFile): Promise<void> {
  const head = new Uint8Array(4);
  await file.read(0, head);
  const [a, b, c, d] = head;
  const isGzip = a === 0x1f && b === 0x8b;
  if (!isGzip && !(a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd)) return;
  throw new PullFailure(
    `${file.shown} is compressed as a whole; unpack it with ${isGzip ? "gunzip" : "unzstd"}`,
  );
}

/** Bytes of which most are passed over: of those, none is read. */
class SparseBytes {
  /** Where the next byte lies. */
  at = 0;
  readonly #file: LayoutFile;

  constructor(file: LayoutFile) {
    this.#file = file;
  }

  async exactly(length: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(Math.min(length, this.#file.size - this.at));
    if (bytes.length === 0) return undefined;
    const n = await this.#file.read(this.at, bytes);
    this.at += n;
    return n === length ? bytes : this.#endsEarly();
  }

  pass(length: number): Promise<void> {
    if (length > this.#file.size - this.at) return this.#endsEarly();
    this.at += length;
    return Promise.resolve();
  }

  #endsEarly(): Promise<never> {
    const state = `${this.#file.shown} is cut off: it ends in the middle of an entry`;
    return Promise.reject(new PullFailure(`${state}; write it again`));
  }
}

function whole(path: string, size: number): ConstructorParameters<typeof LayoutFile>[1] {
  return { shown: `"${path}"`, from: 0, size };
}
