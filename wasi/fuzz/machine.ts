/**
 * A guest that makes the calls that it is told: it reads records from its input and writes what each
 * call answered to its output. So one module runs the same calls under any host. For tests only.
 *
 * @module
 */
import wabt from "wabt";

/** The calls that the guest can make; `i` and `I` are parameters of 32 and 64 bits. */
const CALLS = {
  fd_advise: "iIIi",
  fd_allocate: "iII",
  fd_close: "i",
  fd_datasync: "i",
  fd_fdstat_get: "ii",
  fd_fdstat_set_flags: "ii",
  fd_filestat_get: "ii",
  fd_filestat_set_size: "iI",
  fd_filestat_set_times: "iIIi",
  fd_pread: "iiiIi",
  fd_pwrite: "iiiIi",
  fd_read: "iiii",
  fd_readdir: "iiiIi",
  fd_renumber: "ii",
  fd_seek: "iIii",
  fd_sync: "i",
  fd_tell: "ii",
  fd_write: "iiii",
  path_create_directory: "iii",
  path_filestat_get: "iiiii",
  path_filestat_set_times: "iiiiIIi",
  path_link: "iiiiiii",
  path_open: "iiiiiIIii",
  path_readlink: "iiiiii",
  path_remove_directory: "iii",
  path_rename: "iiiiii",
  path_symlink: "iiiii",
  path_unlink_file: "iii",
} as const;

/** A call that the guest can make. */
export type CallName = keyof typeof CALLS;

const NAMES = Object.keys(CALLS) as CallName[];

/** The number that a slot holds. The guest fills slots by `path_open` and empties them by hand. */
export interface Slot {
  readonly slot: number;
}

/** One `iovec`: over bytes of its own, or over memory of the guest. */
export interface Iovec {
  readonly iovec: Uint8Array | readonly [address: number, bytes: number];
}

/** An argument: a number, a slot's content, or bytes that the guest is given the address of. */
export type Argument = number | bigint | Slot | Iovec | Uint8Array;

/** One call and what to remember of it. */
export interface Step {
  readonly call: CallName;
  readonly args: readonly Argument[];
  /** Slots to empty if the call succeeds. */
  readonly empties?: number;
  /** Address and length of what the call filled in. */
  readonly result?: readonly [address: number, bytes: number];
}

/** What one call answered. */
export interface StepAnswer {
  readonly errno: number;
  readonly result: DataView;
}

/** Addresses in the guest. Slots begin empty, which is a number that is never open. */
const SLOTS = 1_024;
/** Where a call may fill in up to 8 KiB. */
export const OUT = 16_384;
/** A buffer of the guest to read into, of 4 KiB. */
export const BUFFER = 32_768;
const PROGRAM = 65_536;
const RECORD_BYTES = 168;
const PAGES = 128;

/** The address of a slot, for `path_open` to fill. */
export function slotAddress(slot: number): number {
  return SLOTS + 4 * slot;
}

/** What the guest reads for these steps. */
export function encodeProgram(steps: readonly Step[]): Uint8Array {
  const records = new DataView(new ArrayBuffer(8 + steps.length * RECORD_BYTES));
  const data = new Data(PROGRAM + records.byteLength);
  records.setUint32(0, steps.length, true);
  for (const [index, { call, args, empties, result = [OUT, 0] }] of steps.entries()) {
    const at = 8 + index * RECORD_BYTES;
    const head = [NAMES.indexOf(call), empties === undefined ? 0 : slotAddress(empties), ...result];
    for (const [place, number] of head.entries()) records.setUint32(at + 4 * place, number, true);
    for (const [place, arg] of args.entries()) {
      const start = at + 24 + 16 * place;
      const isSlot = typeof arg === "object" && "slot" in arg;
      records.setUint32(start, Number(isSlot), true);
      records.setBigInt64(start + 8, valueOf(arg, data), true);
    }
  }
  return new Uint8Array([...new Uint8Array(records.buffer), ...data.bytes]);
}

function valueOf(arg: Argument, data: Data): bigint {
  if (arg instanceof Uint8Array) return BigInt(data.add(arg));
  if (typeof arg !== "object") return BigInt(arg);
  if ("slot" in arg) return BigInt(slotAddress(arg.slot));
  const { iovec } = arg;
  const vector = iovec instanceof Uint8Array ? [data.add(iovec), iovec.length] : iovec;
  return BigInt(data.add(new Uint8Array(new Uint32Array(vector).buffer)));
}

/** Bytes behind the records, each at an address that any type may have. */
class Data {
  readonly bytes: number[] = [];
  readonly #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  add(bytes: Uint8Array): number {
    const address = this.#start + this.bytes.length;
    this.bytes.push(...bytes);
    while (this.bytes.length % ALIGNMENT !== 0) this.bytes.push(0);
    return address;
  }
}

const ALIGNMENT = 8;

/** What the guest wrote, step by step; fewer if it ended early. */
export function decodeAnswers(steps: readonly Step[], log: Uint8Array): StepAnswer[] {
  const answers: StepAnswer[] = [];
  let at = 0;
  for (const { result: [, bytes] = [0, 0] } of steps) {
    if (at + 2 + bytes > log.length) break;
    const view = new DataView(log.buffer, log.byteOffset + at, 2 + bytes);
    answers.push({
      errno: view.getUint16(0, true),
      result: new DataView(log.buffer, log.byteOffset + at + 2, bytes),
    });
    at += 2 + bytes;
  }
  return answers;
}

/** The guest as a module's bytes. */
export async function machineBytes(): Promise<Uint8Array> {
  const module = (await wabt()).parseWat("machine.wat", TEXT, { bulk_memory: true });
  try {
    return module.toBinary({}).buffer;
  } finally {
    module.destroy();
  }
}

const typeOf = (letter: string): string => letter === "I" ? "i64" : "i32";

const IMPORTS = NAMES.map((name) => {
  const parameters = [...CALLS[name]].map(typeOf).join(" ");
  return `(import "wasi_snapshot_preview1" "${name}"
    (func $${name} (param ${parameters}) (result i32)))`;
});

const DISPATCH = NAMES.map((name, index) => {
  const args = [...CALLS[name]].map((letter, place) => {
    const arg = `(call $arg (local.get $record) (i32.const ${24 + 16 * place}))`;
    return letter === "I" ? arg : `(i32.wrap_i64 ${arg})`;
  });
  return `(if (i32.eq (local.get $call) (i32.const ${index}))
    (then (return (call $${name} ${args.join(" ")}))))`;
});

/** Vectors and counts of the guest's own input and output lie at 0; the log ends the program. */
const TEXT = `(module ${IMPORTS.join("\n")}
  (memory (export "memory") ${PAGES})
  (func $arg (param $record i32) (param $offset i32) (result i64)
    (local $at i32)
    (local.set $at (i32.add (local.get $record) (local.get $offset)))
    (if (result i64) (i32.load (local.get $at))
      (then (i64.load32_u (i32.load offset=8 (local.get $at))))
      (else (i64.load offset=8 (local.get $at)))))
  (func $dispatch (param $call i32) (param $record i32) (result i32) ${DISPATCH.join("\n")}
    unreachable)
  (func $transfer (param $address i32) (param $bytes i32)
    (i32.store (i32.const 0) (local.get $address))
    (i32.store (i32.const 4) (local.get $bytes))
    (i32.store (i32.const 8) (i32.const 0)))
  (func (export "_start")
    (local $end i32) (local $log i32) (local $record i32) (local $left i32) (local $errno i32)
    (local $bytes i32)
    (memory.fill (i32.const ${SLOTS}) (i32.const 255) (i32.const 1024))
    (local.set $end (i32.const ${PROGRAM}))
    (block $read (loop $more
      (call $transfer (local.get $end) (i32.const 65536))
      (br_if $read (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $read (i32.eqz (i32.load (i32.const 8))))
      (local.set $end (i32.add (local.get $end) (i32.load (i32.const 8))))
      (br $more)))
    (local.set $log (local.get $end))
    (local.set $left (i32.load (i32.const ${PROGRAM})))
    (local.set $record (i32.const ${PROGRAM + 8}))
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $left)))
      (local.set $bytes (i32.load offset=12 (local.get $record)))
      (memory.fill (i32.load offset=8 (local.get $record)) (i32.const 0) (local.get $bytes))
      (local.set $errno
        (call $dispatch (i32.load (local.get $record)) (local.get $record)))
      (if (i32.and (i32.eqz (local.get $errno))
          (i32.ne (i32.load offset=4 (local.get $record)) (i32.const 0)))
        (then (i32.store (i32.load offset=4 (local.get $record)) (i32.const -1))))
      (i32.store16 (local.get $log) (local.get $errno))
      (memory.copy (i32.add (local.get $log) (i32.const 2))
        (i32.load offset=8 (local.get $record)) (local.get $bytes))
      (local.set $log (i32.add (local.get $log) (i32.add (local.get $bytes) (i32.const 2))))
      (local.set $record (i32.add (local.get $record) (i32.const ${RECORD_BYTES})))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $next)))
    (block $written (loop $rest
      (call $transfer (local.get $end) (i32.sub (local.get $log) (local.get $end)))
      (br_if $written (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $end (i32.add (local.get $end) (i32.load (i32.const 8))))
      (br_if $rest (i32.ne (local.get $end) (local.get $log)))))))`;
