/**
 * Reads what a container wrote, from files in the CRI log format.
 *
 * The current file of a run is `<attempt>.log`. When it is full, the writer renames it to
 * `<attempt>.log.<time>` and begins a new one, between two records.
 *
 * @module
 */
import { join } from "node:path";
import { sleep } from "../time.ts";
import { endsLine, HEADER_BYTES_MAX, LogText } from "./log_file_text.ts";

/** Which part of a container's log is read, and how. */
export interface LogOptions {
  /** Folder of the container's log files. */
  readonly dir: string;
  /** Which run of the container. */
  readonly attempt: number;
  /** Only so many lines from the end. @default {all} */
  readonly tailLines?: number;
  /** Only lines that began at this time (milliseconds) or later. @default {all} */
  readonly sinceMs?: number;
  /** Ends behind so many bytes, even within a line. @default {no limit} */
  readonly limitBytes?: number;
  /** Puts the stored time before each line. @default false */
  readonly timestamps?: boolean;
  /** Only one of the streams; `tailLines` counts both. @default {both} */
  readonly stream?: "stdout" | "stderr";
  /** Goes on with what is written later, until the container has ended. @default false */
  readonly follow?: boolean;
  /** The longest time between two looks at a silent log, in ms. @default {POLL_MS_MAX} */
  readonly pollMsMax?: number;
  /** Called once the place where the reading begins is found: what is written later will be read. */
  readonly onOpened?: () => void;
  /** Resolves when the run has ended and everything is written. @default {never} */
  readonly ended?: Promise<void>;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/** A file that is open, and by what it is known when it is renamed. */
interface OpenFile {
  readonly file: Deno.FsFile;
  readonly identity: string;
}

/** One read: large enough for speed, small enough for a hundred followers at once. */
const READ_BYTES_MAX = 64 * 1024;
/** How soon a follower looks again after it found something. */
const POLL_MS_MIN = 20;
/** How often it looks at a silent file: below what a person notices, and hardly any work. */
const POLL_MS_MAX = 250;
/** How often a reader that is behind looks for newer files: a guest that only writes fills one in 60 ms. */
const LOOK_AHEAD_MS = 20;
/**
 * Files that a reader keeps open. What is open can be read although the writer has removed it since, and takes
 * its place on the disk for so long.
 */
const FILES_OPEN_MAX = 32;

/**
 * Reads a container's log as text, oldest first, through every rotated file that is still there.
 * A log that does not exist is empty. Memory is bounded whatever the files hold.
 */
export async function* readLog(options: LogOptions): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const text = new LogText(options);
  let leftBytes = options.limitBytes ?? Infinity;
  for await (const piece of readPieces(options)) {
    if (piece === "next file") {
      text.nextFile();
      continue;
    }
    const bytes = text.feed(piece);
    if (bytes.length >= leftBytes) {
      yield bytes.subarray(0, leftBytes);
      return;
    }
    leftBytes -= bytes.length;
    if (bytes.length > 0) yield bytes;
  }
}

/** Yields the files' own bytes; each piece is valid until the next one is asked for. */
export async function* readPieces(options: LogOptions): AsyncGenerator<Uint8Array | "next file"> {
  const { follow = false, signal } = options;
  const name = `${options.attempt}.log`;
  const isStopped = (): boolean => signal?.aborted === true;
  const wake = wakeOn(options);
  const buffer = new Uint8Array(READ_BYTES_MAX);
  let files = await openFiles(options.dir, name);
  try {
    if (options.tailLines !== undefined) await seekToTail(files, options.tailLines);
    options.onOpened?.();
    let pollMs = POLL_MS_MIN;
    let lookedMs = performance.now();
    while (!isStopped()) {
      // Asked before the last look, so that nothing is written behind it.
      const isLast = !follow || wake.signal.aborted;
      const [file] = files;
      let length = await read(file, buffer);
      if (length > 0) pollMs = POLL_MS_MIN;
      for (; length > 0 && !isStopped(); length = await read(file, buffer)) {
        yield buffer.subarray(0, length);
        if (performance.now() - lookedMs < LOOK_AHEAD_MS) continue;
        // A reader that is slower than the guest takes hold of the files before they are removed.
        files = await withNewer(files, { dir: options.dir, name });
        lookedMs = performance.now();
      }
      if (files[1] === undefined) {
        const known = files.length;
        files = await withNewer(files, { dir: options.dir, name });
        lookedMs = performance.now();
        // Now that there is a newer file, this one is complete: read what came in between.
        if (files.length > known) continue;
        if (isLast) return;
        await sleep(pollMs, wake.signal);
        pollMs = Math.min(pollMs * 2, options.pollMsMax ?? POLL_MS_MAX);
      } else {
        file?.file.close();
        files = files.slice(1);
        yield "next file";
      }
    }
  } finally {
    wake.forget();
    closeAll(files);
  }
}

/** A signal for the end of the container or of the reading, whichever is first. */
function wakeOn({ ended, signal }: LogOptions): { signal: AbortSignal; forget(): void } {
  // A promise keeps whoever waits for it, so it is given no more than this.
  const holder: { wake?: AbortController } = { wake: new AbortController() };
  const controller = holder.wake!;
  const wake = (): void => holder.wake?.abort();
  ended?.then(wake, wake);
  signal?.addEventListener("abort", wake, { once: true });
  return {
    signal: controller.signal,
    forget: () => {
      delete holder.wake;
      signal?.removeEventListener("abort", wake);
    },
  };
}

async function read(open: OpenFile | undefined, buffer: Uint8Array): Promise<number> {
  return await open?.file.read(buffer) ?? 0;
}

/** Opens the log's files, oldest first. */
async function openFiles(dir: string, name: string): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  // The current one first: if it is rotated meanwhile, it is met again in the list.
  const current = await openOne(join(dir, name));
  let placed = current === undefined;
  try {
    for (const rotated of await rotatedFiles(dir, name)) {
      const open = await openOne(join(dir, rotated));
      if (open === undefined) continue;
      files.push(open);
      if (open.identity !== current?.identity) continue;
      current.file.close();
      placed = true;
    }
  } catch (error) {
    closeAll(files);
    if (!placed) current?.file.close();
    throw error;
  }
  return current === undefined || placed ? files : [...files, current];
}

/**
 * The open files, and those that came after them; all there are, if the newest of them is gone. At most
 * {@linkcode FILES_OPEN_MAX}, oldest first: the others are met later, unless they are gone by then.
 */
async function withNewer(
  files: OpenFile[],
  { dir, name }: { dir: string; name: string },
): Promise<OpenFile[]> {
  const newest = files.at(-1);
  if (files.length >= FILES_OPEN_MAX) return files;
  // The usual case, without listing the folder.
  if (newest !== undefined && await identityAt(join(dir, name)) === newest.identity) return files;
  const newer = await openFiles(dir, name);
  const at = newer.findIndex(({ identity }) => identity === newest?.identity);
  closeAll(newer.splice(0, at + 1));
  closeAll(newer.splice(FILES_OPEN_MAX - files.length));
  return [...files, ...newer];
}

function closeAll(files: readonly OpenFile[]): void {
  for (const { file } of files) file.close();
}

/** Names of the rotated files, oldest first: their times sort as texts. */
async function rotatedFiles(dir: string, name: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(dir)) {
      const isRotated = entry.isFile && entry.name.startsWith(`${name}.`);
      if (isRotated && !/\.(gz|tmp)$/.test(entry.name)) names.push(entry.name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort();
}

async function openOne(path: string): Promise<OpenFile | undefined> {
  try {
    const file = await Deno.open(path);
    return { file, identity: identityOf(await file.stat()) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function identityAt(path: string): Promise<string | undefined> {
  try {
    return identityOf(await Deno.stat(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What stays the same when a file is renamed. */
function identityOf(info: Deno.FileInfo): string {
  return `${info.dev}:${info.ino ?? info.birthtime?.getTime()}`;
}

/** Closes files, and seeks within the first one left, so that only `lines` lines are left. */
async function seekToTail(files: OpenFile[], lines: number): Promise<void> {
  let linesFound = 0;
  // The last record's line is under way whether the record ends it or not.
  let isLastRecord = true;
  for (let index = files.length - 1; index >= 0; index--) {
    const { file } = files[index]!;
    const { size } = await file.stat();
    if (lines === 0) return await keepFrom(files, { index, offset: size });
    let laterStart = size;
    for await (const record of recordsBackwards(file, size)) {
      if (!isLastRecord && record.ends && ++linesFound === lines) {
        return await keepFrom(files, { index, offset: laterStart });
      }
      isLastRecord = false;
      laterStart = record.start;
    }
    await file.seek(0, Deno.SeekMode.Start);
  }
}

async function keepFrom(
  files: OpenFile[],
  { index, offset }: { index: number; offset: number },
): Promise<void> {
  closeAll(files.splice(0, index));
  await files[0]?.file.seek(offset, Deno.SeekMode.Start);
}

/** Walks over a file's records from the last to the first, block by block. */
async function* recordsBackwards(
  file: Deno.FsFile,
  size: number,
): AsyncGenerator<{ start: number; ends: boolean }> {
  const block = new Uint8Array(READ_BYTES_MAX + HEADER_BYTES_MAX);
  let blockStart = size;
  while (blockStart > 0) {
    const blockEnd = blockStart;
    blockStart = Math.max(0, blockEnd - READ_BYTES_MAX);
    // A header that begins at the end of the block goes on behind it.
    const bytes = await readAt(file, {
      offset: blockStart,
      into: block.subarray(0, Math.min(size, blockEnd + HEADER_BYTES_MAX) - blockStart),
    });
    // The newline at the very end of the file begins no record.
    let newline = Math.min(blockEnd, size - 1) - blockStart;
    while (newline > 0 && (newline = bytes.lastIndexOf(10, newline - 1)) >= 0) {
      const start = newline + 1;
      yield { start: blockStart + start, ends: endsLine(recordAt(bytes, start)) };
    }
  }
  if (size > 0) {
    const bytes = await readAt(file, { offset: 0, into: block.subarray(0, HEADER_BYTES_MAX) });
    yield { start: 0, ends: endsLine(recordAt(bytes, 0)) };
  }
}

function recordAt(bytes: Uint8Array, start: number): Uint8Array {
  const end = bytes.indexOf(10, start);
  return bytes.subarray(start, end < 0 ? start + HEADER_BYTES_MAX : end);
}

async function readAt(
  file: Deno.FsFile,
  { offset, into }: { offset: number; into: Uint8Array },
): Promise<Uint8Array> {
  await file.seek(offset, Deno.SeekMode.Start);
  let length = 0;
  while (length < into.length) {
    const more = await file.read(into.subarray(length));
    if (more === null) break;
    length += more;
  }
  return into.subarray(0, length);
}
