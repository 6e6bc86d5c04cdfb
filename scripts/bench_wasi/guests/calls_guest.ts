/**
 * A guest that times its own calls: for each case a function that makes a round of calls, and one
 * that runs rounds until the host's code is warm, and then times batches of them. A case with a call
 * that fails is told by a count of 0 rounds.
 *
 * V8 cannot replace a WebAssembly function while it runs, so a round is short and called often.
 *
 * @module
 */
import wabt from "wabt";

/** Calls of one round: so few that what they move stays in the processor's cache. */
export const ROUND_CALLS = 16;
/** Batches that are timed, each of about {@linkcode BATCH_NS}. */
export const BATCHES = 25;

const BATCH_NS = 2_000_000;
const WARM_UP_NS = 80_000_000;

/** Where the guest keeps what it works with. */
const AT = { vectors: 0, out: 32, path: 64, stat: 256, poll: 512, events: 640, bytes: 65_536 };
const RESULTS = 262_144;
const RESULT_BYTES = 8 * (1 + BATCHES);

/** What is measured. */
export interface CallsCase {
  readonly name: string;
  /** Text of instructions that prepare the memory, once. */
  readonly before?: string;
  /** Instructions that put the file's position back, once a round. */
  readonly round?: string;
  /** One call; answers its errno. */
  readonly call: string;
}

const IMPORTS = `
  clock_time_get:i32,i64,i32 fd_write:i32,i32,i32,i32 fd_read:i32,i32,i32,i32
  fd_pread:i32,i32,i32,i64,i32 fd_pwrite:i32,i32,i32,i64,i32 fd_seek:i32,i64,i32,i32
  path_open:i32,i32,i32,i32,i32,i64,i64,i32,i32 fd_close:i32
  path_filestat_get:i32,i32,i32,i32,i32 fd_filestat_get:i32,i32
  fd_readdir:i32,i32,i32,i64,i32 random_get:i32,i32 poll_oneoff:i32,i32,i32,i32`
  .trim().split(/\s+/).map((item) => {
    const [name, types = ""] = item.split(":");
    const params = types.replaceAll(",", " ");
    return `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`;
  }).join("\n");

/** Instructions of a call with constant arguments; an `n` at the end makes an `i64`. */
function call(name: string, ...args: readonly (number | string)[]): string {
  const pushed = args.map((arg) => {
    if (typeof arg === "number") return `(i32.const ${arg})`;
    return arg.endsWith("n") ? `(i64.const ${arg.slice(0, -1)})` : arg;
  });
  return `(call $${name} ${pushed.join(" ")})`;
}

const must = (instruction: string): string => `(call $must ${instruction})`;
const FILE = "(global.get $file)";
const REWIND = must(call("fd_seek", FILE, "0n", 0, AT.out));
const READ_WRITE = `${0x42}n`;

function vectors(...lengths: readonly number[]): string {
  return lengths.map((length, index) =>
    `(i32.store (i32.const ${AT.vectors + index * 8}) (i32.const ${AT.bytes}))
     (i32.store (i32.const ${AT.vectors + index * 8 + 4}) (i32.const ${length}))`
  ).join("\n");
}

function path(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte, index) =>
    `(i32.store8 (i32.const ${AT.path + index}) (i32.const ${byte}))`
  ).join(" ");
}

function transfer(
  name: string,
  { fd, lengths, size }: { fd: string; lengths: readonly number[]; size: string },
): CallsCase {
  return {
    name: `${name} ${size}`,
    before: vectors(...lengths),
    round: fd === FILE ? REWIND : "",
    call: call(name.split(" ")[0]!, fd, AT.vectors, lengths.length, AT.out),
  };
}

const SIZES = [[1, "1 B"], [4_096, "4 KiB"], [65_536, "64 KiB"]] as const;

function transfers(name: string, fd: string): CallsCase[] {
  return SIZES.map(([length, size]) => transfer(name, { fd, lengths: [length], size }));
}

function atPlace(name: "fd_pread" | "fd_pwrite"): CallsCase {
  return {
    name: `${name} 4 KiB`,
    before: vectors(4_096),
    call: call(name, FILE, AT.vectors, 1, "4096n", AT.out),
  };
}

function openAndClose(what: string, file: string): CallsCase {
  const opened = call("path_open", 3, 1, AT.path, file.length, 0, "2n", "0n", 0, AT.out);
  const close = `(call $fd_close (i32.load (i32.const ${AT.out})))`;
  return {
    name: `path_open + fd_close ${what}`,
    before: path(file),
    call: `(i32.or ${opened} ${close})`,
  };
}

function statPath(what: string, file: string): CallsCase {
  return {
    name: `path_filestat_get ${what}`,
    before: path(file),
    call: call("path_filestat_get", 3, 1, AT.path, file.length, AT.stat),
  };
}

/** A path of five directories. */
export const DEEP = "a/b/c/d/e/file";

/** Everything that is measured, in order. */
export const CALLS_CASES: readonly CallsCase[] = [
  { name: "clock_time_get", call: call("clock_time_get", 1, "1n", AT.out) },
  ...transfers("fd_write", FILE),
  transfer("fd_write", { fd: FILE, lengths: [512, 512], size: "2 x 512 B" }),
  ...transfers("fd_write stdout", "(i32.const 1)"),
  ...transfers("fd_read", FILE),
  atPlace("fd_pread"),
  atPlace("fd_pwrite"),
  openAndClose("flat", "file"),
  openAndClose("deep", DEEP),
  statPath("flat", "file"),
  statPath("deep", DEEP),
  { name: "fd_filestat_get", call: call("fd_filestat_get", FILE, AT.stat) },
  {
    name: "fd_readdir 100",
    call: call("fd_readdir", "(global.get $folder)", AT.bytes, 65_536, "0n", AT.out),
  },
  { name: "random_get 16 B", call: call("random_get", AT.bytes, 16) },
  { name: "random_get 4 KiB", call: call("random_get", AT.bytes, 4_096) },
  {
    name: "poll_oneoff ready",
    before: `(i32.store8 (i32.const ${AT.poll + 8}) (i32.const 2))
             (i32.store (i32.const ${AT.poll + 16}) ${FILE})`,
    call: call("poll_oneoff", AT.poll, AT.events, 1, AT.out),
  },
];

function roundFunction({ round = "", call }: CallsCase, index: number): string {
  return `(func $round_${index} (local $left i32)
    ${round}
    (local.set $left (i32.const ${ROUND_CALLS}))
    (loop $more
      ${must(call)}
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))`;
}

function open(name: string, oflags: number, rights: string): string {
  return `${path(name)}
    ${must(call("path_open", 3, 1, AT.path, name.length, oflags, rights, rights, 0, AT.out))}`;
}

/** Builds the module. It finds `file`, {@linkcode DEEP} and `folder` in descriptor 3. */
export async function buildCallsGuest(): Promise<Uint8Array<ArrayBuffer>> {
  const tools = await wabt();
  const module = tools.parseWat("calls.wat", TEXT);
  try {
    return new Uint8Array(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

const CASE_RUNS = CALLS_CASES.map(({ before = "" }, index) =>
  `${before} (call $measure (i32.const ${index}) (i32.const ${RESULTS + index * RESULT_BYTES}))`
).join("\n");

const TEXT = `(module
  ${IMPORTS}
  (memory (export "memory") 8)
  (global $file (mut i32) (i32.const 0))
  (global $folder (mut i32) (i32.const 0))
  (global $failed (mut i32) (i32.const 0))
  (type $round (func))
  (table funcref (elem ${CALLS_CASES.map((_, index) => `$round_${index}`).join(" ")}))
  ${CALLS_CASES.map(roundFunction).join("\n")}
  (func $must (param $errno i32)
    (if (local.get $errno) (then (global.set $failed (i32.const 1)))))
  (func $now (result i64)
    ${must(call("clock_time_get", 1, "1n", 48))}
    (i64.load (i32.const 48)))
  (func $rounds (param $case i32) (param $count i64) (result i64) (local $from i64)
    (local.set $from (call $now))
    (loop $more
      (call_indirect (type $round) (local.get $case))
      (local.set $count (i64.sub (local.get $count) (i64.const 1)))
      (br_if $more (i64.gt_s (local.get $count) (i64.const 0))))
    (i64.sub (call $now) (local.get $from)))
  (func $measure (param $case i32) (param $at i32)
    (local $spent i64) (local $last i64) (local $count i64) (local $left i32) (local $start i32)
    (local.set $start (local.get $at))
    (local.set $count (i64.const 1))
    (loop $warm
      (local.set $last (call $rounds (local.get $case) (local.get $count)))
      (local.set $spent (i64.add (local.get $spent) (local.get $last)))
      (if (i64.lt_u (local.get $last) (i64.const ${BATCH_NS}))
        (then (local.set $count (i64.add (local.get $count)
          (i64.add (i64.const 1) (i64.div_u (local.get $count) (i64.const 4)))))))
      (br_if $warm (i64.lt_u (local.get $spent) (i64.const ${WARM_UP_NS}))))
    (i64.store (local.get $at) (local.get $count))
    (local.set $left (i32.const ${BATCHES}))
    (loop $more
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (i64.store (local.get $at) (call $rounds (local.get $case) (local.get $count)))
      (br_if $more (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (if (global.get $failed) (then (i64.store (local.get $start) (i64.const 0))))
    (global.set $failed (i32.const 0)))
  (func (export "_start")
    ${open("file", 0, READ_WRITE)}
    (global.set $file (i32.load (i32.const ${AT.out})))
    ${open("folder", 2, `${1 << 14}n`)}
    (global.set $folder (i32.load (i32.const ${AT.out})))
    ${CASE_RUNS}
    ${open("results", 9, READ_WRITE)}
    (i32.store (i32.const ${AT.vectors}) (i32.const ${RESULTS}))
    (i32.store (i32.const ${AT.vectors + 4}) (i32.const ${RESULT_BYTES * CALLS_CASES.length}))
    ${
  must(`(call $fd_write (i32.load (i32.const ${AT.out})) (i32.const ${AT.vectors})
      (i32.const 1) (i32.const 16))`)
}))`;
