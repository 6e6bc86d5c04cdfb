/**
 * Sequences of file operations, drawn at random over a handful of names, and what they told. For
 * tests only.
 *
 * @module
 */
import fc from "fast-check";
import { FILETYPE, RIGHT, RIGHTS_ALL } from "../abi.ts";
import { errnoName } from "../errno.ts";
import { type Argument, BUFFER, OUT, slotAddress, type Step } from "./machine.ts";

/** A step with what is to be made of its answer. */
export interface Operation {
  readonly step: Step;
  /** As a person would write the call. */
  readonly text: string;
  /** Takes out of a result what every host must agree on. */
  readonly tell: (result: DataView) => unknown;
}

/** The slot of the folder that a sequence lives in. */
const HOME = 0;
/** The number of the folder of all sequences. */
const PREOPEN = 3;
/** The slots that it opens files and folders into. */
const SLOTS = [1, 2, 3, 4] as const;
/** Every slot. */
const ALL_SLOTS = [HOME, ...SLOTS] as const;
/** Bytes that one `fd_read` asks for. */
const READ_BYTES = 48;
/** Enough for all entries of a folder with these names. */
const READDIR_BYTES = 2_048;
/** Times that are set lie before this, so that they are told apart from those that just happened. */
const SET_TIME_NS_MAX = 1_000_000_000_000_000n;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What stands in each folder before the first operation. */
export function prepareFolder(folder: string): void {
  Deno.mkdirSync(`${folder}/d/e`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/f`, "0123456789");
  for (const [name, target] of [["l", "d"], ["k", "f"], ["x", "nowhere"], ["loop", "loop"]]) {
    Deno.symlinkSync(target!, `${folder}/${name}`);
  }
  Deno.symlinkSync("../../..", `${folder}/up`);
  Deno.symlinkSync("/etc", `${folder}/abs`);
}

/** A sequence in the folder of this name, from opening it to closing everything. */
export function sequenceIn(folder: string, operations: readonly Operation[]): Operation[] {
  const home = open(PREOPEN, folder, { into: HOME, oflags: 2 });
  const close = ALL_SLOTS.map((slot) => operation("fd_close", [{ slot }], { empties: slot }));
  return [home, ...operations, ...close];
}

/** Draws sequences of at most so many operations. */
export function sequences(maxLength: number): fc.Arbitrary<Operation[]> {
  return fc.array(OPERATION, { minLength: 3, maxLength, size: "max" });
}

interface Details {
  readonly result?: readonly [number, number];
  readonly tell?: (result: DataView) => unknown;
  readonly empties?: number;
}

type Arguments = Step["args"];

function operation(call: Step["call"], args: Arguments, details: Details = {}): Operation {
  const { tell = () => undefined, ...rest } = details;
  const shown = args.map((arg) => {
    if (typeof arg !== "object") return String(arg);
    if ("slot" in arg) return `#${arg.slot}`;
    const bytes = "iovec" in arg ? arg.iovec : arg;
    return bytes instanceof Uint8Array ? JSON.stringify(decoder.decode(bytes)) : `[${bytes[1]}]`;
  });
  return { step: { call, args, ...rest }, text: `${call}(${shown.join(", ")})`, tell };
}

/** The two arguments of a path. */
function path(text: string): [Uint8Array, number] {
  const bytes = encoder.encode(text);
  return [bytes, bytes.length];
}

interface OpenDetails {
  readonly into: number;
  readonly oflags?: number;
  readonly fdflags?: number;
  readonly follow?: boolean;
  readonly write?: boolean;
}

function open(
  base: Argument,
  name: string,
  { into, oflags = 0, fdflags = 0, follow = true, write = false }: OpenDetails,
): Operation {
  const rights = write ? RIGHTS : RIGHTS & ~RIGHTS_OF_WRITERS;
  return operation("path_open", [
    ...[base, Number(follow), ...path(name), oflags, rights, RIGHTS, fdflags],
    slotAddress(into),
  ]);
}

/** All but those of sockets: who asks for what a folder does not pass on is refused by some. */
const RIGHTS = BigInt(RIGHTS_ALL & ~(RIGHT.sockAccept | RIGHT.sockShutdown));
/** Each of these makes some hosts open a file for writing. */
const RIGHTS_OF_WRITERS = BigInt(
  RIGHT.fdWrite | RIGHT.fdDatasync | RIGHT.fdAllocate | RIGHT.fdFilestatSetSize,
);

const aName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "f", "d", "d/e", "d/a", "l", "k", "l/a") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("x", "loop", "up", "abs", "k/", "l/", "a/", "d/", "f/", "x/", "d/."),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...["..", ".", "", "d/..", "d/../a", "l/..", "l/../f", "up/a", "abs/a", "a/b", "./d//e"],
      ...["loop/a", "x/a", "f/..", "f/.", "/f", "//", "d/e/../../f"],
    ),
  },
);
const aFolder = fc.oneof(
  { weight: 5, arbitrary: fc.constant(HOME) },
  { weight: 1, arbitrary: fc.constantFrom(...SLOTS) },
);
const aSlot = fc.constantFrom(...SLOTS);
const anOffset = fc.constantFrom(0n, 1n, 5n, 9n, 20n, 4_000n);
const aText = fc.constantFrom("", "x", "hello", "a longer text than the others");
const aFlag = (bit: number): fc.Arbitrary<number> => fc.constantFrom(0, 0, 0, bit);
const flags = (...bits: number[]): fc.Arbitrary<number> =>
  fc.tuple(...bits.map(aFlag)).map((set) => set.reduce((sum, bit) => sum | bit, 0));
const aTime = fc.integer({ min: 1, max: 900_000 }).map((seconds) =>
  BigInt(seconds) * 1_000_000_000n
);
const someTimes = fc.record({ atim: aTime, mtim: aTime, flags: flags(1, 2, 4, 8) });

const OPERATION: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ slot: aFolder, name: aName, into: aSlot, follow: fc.boolean(), write: fc.boolean() },
      oflags: flags(1, 1, 2, 4, 8),
      fdflags: flags(1, 2, 4, 8, 16),
    }).map(({ slot, name, ...details }) => open({ slot }, name, details)),
  },
  fc.constantFrom(...ALL_SLOTS).map((slot) => operation("fd_close", [{ slot }], { empties: slot })),
  fc.tuple(aSlot, aSlot).map(([from, to]) =>
    operation("fd_renumber", [{ slot: from }, { slot: to }], from === to ? {} : { empties: from })
  ),
  aSlot.map((slot) => reading("fd_read", slot)),
  fc.tuple(aSlot, anOffset).map(([slot, offset]) => reading("fd_pread", slot, offset)),
  { weight: 2, arbitrary: fc.tuple(aSlot, aText).map(([slot, text]) => writing(slot, text)) },
  fc.tuple(aSlot, aText, anOffset).map(([slot, text, offset]) => writing(slot, text, offset)),
  fc.tuple(aSlot, fc.constantFrom(-12n, -1n, 0n, 3n, 30n), fc.constantFrom(0, 1, 2)).map(
    ([slot, offset, whence]) =>
      operation("fd_seek", [{ slot }, offset, whence, OUT], { ...tells(8, ofU64) }),
  ),
  aSlot.map((slot) => operation("fd_tell", [{ slot }, OUT], tells(8, ofU64))),
  fc.tuple(aSlot, anOffset).map(([slot, size]) =>
    operation("fd_filestat_set_size", [{ slot }, size])
  ),
  fc.tuple(aSlot, anOffset, anOffset).map(([slot, offset, length]) =>
    operation("fd_allocate", [{ slot }, offset, length])
  ),
  fc.tuple(aSlot, fc.constantFrom(0, 3, 5)).map(([slot, advice]) =>
    operation("fd_advise", [{ slot }, 0n, 10n, advice])
  ),
  aSlot.map((slot) => operation("fd_sync", [{ slot }])),
  aSlot.map((slot) => operation("fd_datasync", [{ slot }])),
  aSlot.map((slot) => operation("fd_fdstat_get", [{ slot }, OUT], tells(24, ofFdstat))),
  fc.tuple(aSlot, flags(1, 4)).map(([slot, set]) =>
    operation("fd_fdstat_set_flags", [{ slot }, set])
  ),
  fc.constantFrom(...ALL_SLOTS).map((slot) =>
    operation("fd_filestat_get", [{ slot }, OUT], tells(64, ofFilestat))
  ),
  fc.tuple(aSlot, someTimes).map(([slot, { atim, mtim, flags }]) =>
    operation("fd_filestat_set_times", [{ slot }, atim, mtim, flags])
  ),
  fc.constantFrom(...ALL_SLOTS).map((slot) =>
    operation("fd_readdir", [{ slot }, BUFFER, READDIR_BYTES, 0n, BUFFER + READDIR_BYTES], {
      result: [BUFFER, READDIR_BYTES + 4],
      tell: ofEntries,
    })
  ),
  ...(["path_create_directory", "path_remove_directory", "path_unlink_file"] as const).map((call) =>
    fc.tuple(aFolder, aName).map(([slot, name]) => operation(call, [{ slot }, ...path(name)]))
  ),
  {
    weight: 2,
    arbitrary: fc.tuple(aFolder, aName, fc.boolean()).map(([slot, name, follow]) =>
      operation("path_filestat_get", [{ slot }, Number(follow), ...path(name), OUT], {
        ...tells(64, ofFilestat),
      })
    ),
  },
  fc.tuple(aFolder, aName, fc.boolean(), someTimes).map(([slot, name, follow, times]) =>
    operation("path_filestat_set_times", [
      ...[{ slot }, Number(follow), ...path(name), times.atim, times.mtim, times.flags],
    ])
  ),
  fc.tuple(aFolder, aName, aFolder, aName, fc.constantFrom(0, 0, 1)).map((
    [a, from, b, to, follow],
  ) => operation("path_link", [{ slot: a }, follow, ...path(from), { slot: b }, ...path(to)])),
  {
    weight: 2,
    arbitrary: fc.tuple(aFolder, aName, aFolder, aName).map(([a, from, b, to]) =>
      operation("path_rename", [{ slot: a }, ...path(from), { slot: b }, ...path(to)])
    ),
  },
  fc.tuple(aName, aFolder, aName).map(([target, slot, name]) =>
    operation("path_symlink", [...path(target), { slot }, ...path(name)])
  ),
  fc.tuple(aFolder, aName).map(([slot, name]) =>
    operation("path_readlink", [{ slot }, ...path(name), BUFFER, 64, BUFFER + 64], {
      result: [BUFFER, 68],
      tell: (view) => textAt(view, { start: 0, length: view.getUint32(64, true) }),
    })
  ),
);

function reading(call: "fd_read" | "fd_pread", slot: number, offset?: bigint): Operation {
  const place = offset === undefined ? [] : [offset];
  const used = BUFFER + READ_BYTES;
  const into = { iovec: [BUFFER, READ_BYTES] } as const;
  return operation(call, [{ slot }, into, 1, ...place, used], {
    result: [BUFFER, READ_BYTES + 4],
    tell: (view) => textAt(view, { start: 0, length: view.getUint32(READ_BYTES, true) }),
  });
}

function writing(slot: number, text: string, offset?: bigint): Operation {
  const from = { iovec: encoder.encode(text) };
  const details = tells(4, (view) => view.getUint32(0, true));
  return offset === undefined
    ? operation("fd_write", [{ slot }, from, 1, OUT], details)
    : operation("fd_pwrite", [{ slot }, from, 1, offset, OUT], details);
}

function tells(bytes: number, tell: Operation["tell"]): Details {
  return { result: [OUT, bytes], tell };
}

function textAt(view: DataView, { start, length }: { start: number; length: number }): string {
  return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + start, length));
}

function ofU64(view: DataView): bigint {
  return view.getBigUint64(0, true);
}

/** Rights are left out: hosts give what they can do, which differs. */
function ofFdstat(view: DataView): unknown {
  return { filetype: view.getUint8(0), flags: view.getUint16(2, true) };
}

/** Device and inode differ by folder, the size of a folder by its history. */
function ofFilestat(view: DataView): unknown {
  const filetype = view.getUint8(16);
  const time = (at: number): unknown => {
    const ns = view.getBigUint64(at, true);
    return ns < SET_TIME_NS_MAX ? ns : "now";
  };
  const isFolder = filetype === FILETYPE.directory;
  return {
    filetype,
    nlink: view.getBigUint64(24, true),
    size: isFolder ? "any" : view.getBigUint64(32, true),
    mtim: time(48),
  };
}

/** Names and types by name, because each run of a file system has an order of its own. */
function ofEntries(view: DataView): unknown {
  const used = view.getUint32(READDIR_BYTES, true);
  const entries: string[] = [];
  for (let at = 0; at < used;) {
    const length = view.getUint32(at + 16, true);
    const name = textAt(view, { start: at + 24, length });
    entries.push(`${name}:${view.getUint8(at + 20)}`);
    at += 24 + length;
  }
  return entries.sort();
}

/** What an operation told, in a form that can be compared and read. */
export function tellAnswer(
  { tell }: Operation,
  { errno, result }: { errno: number; result: DataView },
): string {
  if (errno !== 0) return errnoName(errno);
  const told = tell(result);
  const plain = (_key: string, value: unknown): unknown =>
    typeof value === "bigint" ? Number(value) : value;
  return told === undefined ? "success" : `success ${JSON.stringify(told, plain)}`;
}
