import assert from "node:assert/strict";
import { CALL_NAMES, CLOCK, FDFLAG, OFLAG, PREVIEW1, RIGHT, RIGHTS_ALL } from "../abi.ts";
import type { ImportedCall } from "../calls/mod.ts";
import { ERRNO } from "../errno.ts";
import { GuestMemory } from "../memory.ts";
import { Refusal } from "../refusal.ts";
import { parameterCount, traceCalls } from "./trace.ts";

/** Parameters of each function, as the specification lowers them to WebAssembly. */
const PARAMETERS: Readonly<Record<string, number>> = {
  ...{ args_get: 2, args_sizes_get: 2, clock_res_get: 2, clock_time_get: 3, environ_get: 2 },
  ...{ environ_sizes_get: 2, fd_advise: 4, fd_allocate: 3, fd_close: 1, fd_datasync: 1 },
  ...{ fd_fdstat_get: 2, fd_fdstat_set_flags: 2, fd_fdstat_set_rights: 3, fd_filestat_get: 2 },
  ...{ fd_filestat_set_size: 2, fd_filestat_set_times: 4, fd_pread: 5, fd_prestat_dir_name: 3 },
  ...{ fd_prestat_get: 2, fd_pwrite: 5, fd_read: 4, fd_readdir: 5, fd_renumber: 2, fd_seek: 4 },
  ...{ fd_sync: 1, fd_tell: 2, fd_write: 4, path_create_directory: 3, path_filestat_get: 5 },
  ...{ path_filestat_set_times: 7, path_link: 7, path_open: 9, path_readlink: 6 },
  ...{ path_remove_directory: 3, path_rename: 6, path_symlink: 5, path_unlink_file: 3 },
  ...{ poll_oneoff: 4, proc_exit: 1, proc_raise: 1, random_get: 2, sched_yield: 0 },
  ...{ sock_accept: 3, sock_recv: 6, sock_send: 5, sock_shutdown: 2 },
};

interface Traced {
  readonly lines: string[];
  readonly memory: WebAssembly.Memory;
  readonly call: (name: string, ...args: (number | bigint)[]) => ReturnType<ImportedCall>;
}

/** One call that answers what the test says, traced. */
function tracing(answer: ImportedCall): Traced {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const guest = new GuestMemory();
  guest.bind(memory);
  const lines: string[] = [];
  const options = { memory: guest, layout: PREVIEW1, write: (line: string) => lines.push(line) };
  const call = (name: string, ...args: (number | bigint)[]): ReturnType<ImportedCall> =>
    traceCalls({ [name]: answer }, options)[name]!(...args);
  return { lines, memory, call };
}

function put(memory: WebAssembly.Memory, at: number, text: string): number {
  return new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, at)).written;
}

Deno.test("traceCalls() knows the parameters of every function of preview 1", () => {
  assert.deepEqual(Object.keys(PARAMETERS).sort(), [...CALL_NAMES].sort());
  for (const [name, count] of Object.entries(PARAMETERS)) {
    assert.equal(parameterCount(name), count, name);
  }
});

Deno.test("traceCalls() tells any call with any arguments, bad pointers too", () => {
  for (const [name, count] of Object.entries(PARAMETERS)) {
    for (const argument of [0, -1, 65_532, 0x7fff_ffff]) {
      const { lines, call } = tracing(() => 0);
      assert.equal(call(name, ...Array<number>(count).fill(argument)), 0);
      assert.equal(lines.length, 1, name);
      assert.match(lines[0]!, new RegExp(`^${name}\\(.*\\) = .`));
    }
  }
});

Deno.test("traceCalls() names flags and rights and tells what came back", () => {
  const { lines, memory, call } = tracing((..._args) => {
    view.setUint32(64, 5, true);
    return 0;
  });
  const view = new DataView(memory.buffer);
  const length = put(memory, 128, 'etc/"hosts"');
  const rights = BigInt(RIGHT.fdRead | RIGHT.fdSeek);
  const oflags = OFLAG.creat | OFLAG.trunc;
  call("path_open", 3, 1, 128, length, oflags, rights, BigInt(RIGHTS_ALL), 0, 64);
  call("path_open", 3, 0, 128, length, 32, 1n << 40n, 0n, FDFLAG.append, 64);
  call("clock_time_get", CLOCK.monotonic, 1n, 64);
  call("fd_seek", 4, -3n, 1, 64);
  assert.deepEqual(lines, [
    'path_open(3, "etc/\\"hosts\\"", lookup=follow, oflags=creat|trunc, rights=fdRead|fdSeek, ' +
    "inheriting=all, fdflags=0) = 5",
    'path_open(3, "etc/\\"hosts\\"", lookup=0, oflags=0x20, rights=0|0x10000000000, ' +
    "inheriting=0, fdflags=append) = 5",
    "clock_time_get(monotonic) = 5",
    "fd_seek(4, -3, cur) = 5",
  ]);
});

Deno.test("traceCalls() shows the first bytes of what was read or written", () => {
  const { lines, memory, call } = tracing(() => {
    put(memory, 256, "hello\nworld");
    view.setUint32(64, 11, true);
    return 0;
  });
  const view = new DataView(memory.buffer);
  for (const [index, number] of [256, 6, 262, 500].entries()) {
    view.setUint32(16 + index * 4, number, true);
  }
  call("fd_read", 5, 16, 2, 64);
  assert.equal(lines.pop(), 'fd_read(5, [6, 500]) = 11 "hello\\nworld"');
  call("fd_pwrite", 5, 16, 2, 7n, 64);
  assert.match(lines.pop()!, /^fd_pwrite\(5, "hello\\nworld(\\u0000){37}"…, offset=7\) = 11$/);
});

Deno.test("traceCalls() tells refusals by name, and what did not return", async () => {
  const refused = tracing(() => ERRNO.noent);
  refused.call("fd_close", 9);
  assert.deepEqual(refused.lines, ["fd_close(9) = noent"]);

  const left = tracing(() => {
    throw new Refusal(ERRNO.io);
  });
  assert.throws(() => left.call("proc_exit", 3));
  assert.deepEqual(left.lines, ["proc_exit(3) = ?"]);

  const waiting = tracing(() => Promise.resolve(ERRNO.success));
  assert.equal(await waiting.call("fd_sync", 3), 0);
  assert.deepEqual(waiting.lines, ["fd_sync(3) = success"]);
});

Deno.test("traceCalls() knows sock_accept of WasmEdge's first extension by its two parameters", () => {
  const { lines, memory, call } = tracing(() => {
    new DataView(memory.buffer).setUint32(64, 7, true);
    return 0;
  });
  call("sock_accept", 3, 64);
  call("sock_accept", 3, FDFLAG.nonblock, 64);
  assert.deepEqual(lines, ["sock_accept(3) = 7", "sock_accept(3, fdflags=nonblock) = 7"]);
});

Deno.test("traceCalls() tells i32s without their sign, and a call once", () => {
  const { lines, call } = tracing(() => ERRNO.success);
  call("proc_exit", -1);
  call("sock_open", -2, 5n);
  assert.deepEqual(lines, [
    "proc_exit(4294967295) = success",
    "sock_open(4294967294, 5) = success",
  ]);
  const memory = new GuestMemory();
  const told: string[] = [];
  const write = (line: string): never => {
    told.push(line);
    throw new Error("the embedder's own");
  };
  const { close } = traceCalls({ close: () => 0 }, { memory, layout: PREVIEW1, write });
  assert.throws(() => close!(1), /the embedder's own/);
  assert.deepEqual(told, ["close(1) = success"]);
});
