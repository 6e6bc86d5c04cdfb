/**
 * A process that locks itself in and then tries to get out, for the tests: restricting cannot be
 * undone, so each try needs a process of its own. Its argument is a {@linkcode Sentence}; it prints
 * what came of each deed as a list in JSON.
 *
 * @module
 */
import { ALLOW, choose, refuse } from "./bpf.ts";
import { Kernel } from "./kernel.ts";
import { enforceLandlock, landlockAbi } from "./landlock.ts";
import { planLandlock } from "./landlock_plan.ts";
import { openSandbox, type Sandbox } from "./sandbox.ts";
import { installFilter } from "./seccomp.ts";
import { buildProcessFilter } from "./seccomp_filter.ts";
import type { SandboxWishes } from "./wishes.ts";

/** One thing to try: what, with which paths, ports or numbers. */
export type Deed = readonly [what: string, ...parameters: readonly (string | number)[]];

/** Which walls to put up, and what to try then. */
export interface Sentence {
  /** `none` tells what would happen without walls. */
  readonly walls: "all" | "landlock" | "seccomp" | "none";
  /** Plan for an older kernel than this one. */
  readonly abi?: number;
  /** Let the kernel answer calls of Landlock with this error number, as one without it does. */
  readonly landlockErrno?: number;
  /** Give up the leave to open libraries first, as a guest process does. */
  readonly revokeFfi?: boolean;
  readonly wishes: SandboxWishes;
  readonly deeds: readonly Deed[];
}

const CALLS = {
  x86_64: {
    openat: 257,
    socket: 41,
    kill: 62,
    tgkill: 234,
    ptrace: 101,
    gettid: 186,
    prctl: 157,
    unshare: 272,
    pipe2: 293,
    fcntl: 72,
    write: 1,
    socketpair: 53,
    connect: 42,
  },
  aarch64: {
    openat: 56,
    socket: 198,
    kill: 129,
    tgkill: 131,
    ptrace: 117,
    gettid: 178,
    prctl: 167,
    unshare: 97,
    pipe2: 59,
    fcntl: 25,
    write: 64,
    socketpair: 199,
    connect: 203,
  },
}[Deno.build.arch];

const kernel = openKernel();

/** One that refuses everything, if the process may not open libc. */
function openKernel(): Kernel {
  try {
    return Kernel.open();
  } catch {
    return { call: () => -1 } as unknown as Kernel;
  }
}

function lockIn(sandbox: Sandbox, { walls, wishes, abi = 0 }: Sentence): unknown {
  if (walls === "all") return sandbox.enter(wishes);
  if (walls === "none") return undefined;
  kernel.call(CALLS.prctl, 38, 1, 0, 0, 0); // PR_SET_NO_NEW_PRIVS
  if (walls === "landlock") {
    enforceLandlock(kernel, planLandlock(wishes, abi || landlockAbi(kernel)), {
      allThreads: false,
    });
    return landlockAbi(kernel);
  }
  const filter = buildProcessFilter({ arch: Deno.build.arch, pid: Deno.pid });
  installFilter(kernel, filter, { allThreads: true });
  return filter.length;
}

function hideLandlock(errno: number): void {
  kernel.call(CALLS.prctl, 38, 1, 0, 0, 0); // PR_SET_NO_NEW_PRIVS
  const filter = choose([
    { from: 0, code: ALLOW },
    { from: 444, code: refuse(errno) },
    { from: 447, code: ALLOW },
  ]);
  installFilter(kernel, filter, { allThreads: true });
}

/** `ok`, or the name or number of the error. */
async function attempt(
  what: string,
  parameters: readonly (string | number)[],
): Promise<string> {
  try {
    const [one = "", two = ""] = parameters;
    return await DEEDS[what]!(one, two) ?? "ok";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

type Act = (one: string | number, two: string | number) => Promise<string | void> | string | void;

/** A raw call: `ok`, or `errno N`. */
function call(number: number, ...parameters: number[]): string {
  const answer = kernel.call(number, ...parameters);
  return answer < 0 ? `errno ${-answer}` : "ok";
}

/** Has the kernel send SIGKILL when there is something to read in a pipe. */
function signalByPipe(pid: number): string {
  const { scratch, scratchAddress } = kernel;
  kernel.call(CALLS.pipe2, scratchAddress, 0);
  const [reading, writing] = [scratch.getInt32(0, true), scratch.getInt32(4, true)];
  const [setFlags, setOwner, setSignal, asynchronous] = [4, 8, 10, 0o20000];
  const steps = [
    kernel.call(CALLS.fcntl, reading, setOwner, pid),
    kernel.call(CALLS.fcntl, reading, setSignal, 9),
    kernel.call(CALLS.fcntl, reading, setFlags, asynchronous),
    kernel.call(CALLS.write, writing, scratchAddress, 1),
  ];
  const refused = steps.find((answer) => answer < 0);
  return refused === undefined ? "ok" : `errno ${-refused}`;
}

/** Turns a pair of datagram sockets to the socket at a path: errno 2 if only the path is missing. */
function datagramsTo(path: string): string {
  const { scratch, scratchAddress } = kernel;
  const answer = kernel.call(CALLS.socketpair, 1, 2, 0, scratchAddress);
  if (answer < 0) return `errno ${-answer}`;
  const socket = scratch.getInt32(0, true);
  kernel.writeText(`\x01\x00${path}`); // the family, AF_UNIX, and the path
  return call(CALLS.connect, socket, Number(scratchAddress), 2 + path.length + 1);
}

const DEEDS: Readonly<Record<string, Act>> = {
  read: (path) => void Deno.readFileSync(String(path)),
  "raw open": (path, flags) => {
    kernel.writeText(String(path));
    return call(CALLS.openat, -100, Number(kernel.scratchAddress), Number(flags), 0o600);
  },
  list: (path) => void [...Deno.readDirSync(String(path))],
  write: (path) => void Deno.openSync(String(path), { write: true }).close(),
  create: (path) => void Deno.openSync(String(path), { write: true, createNew: true }).close(),
  truncate: (path) => Deno.truncateSync(String(path)),
  "open to truncate": (path) => {
    Deno.openSync(String(path), { write: true, truncate: true }).close();
  },
  mkdir: (path) => Deno.mkdirSync(String(path)),
  remove: (path) => Deno.removeSync(String(path)),
  rename: (from, to) => Deno.renameSync(String(from), String(to)),
  link: (from, to) => Deno.linkSync(String(from), String(to)),
  symlink: (target, path) => Deno.symlinkSync(String(target), String(path)),
  chmod: (path) => Deno.chmodSync(String(path), 0o600),
  run: (path) => void new Deno.Command(String(path)).outputSync(),
  listen: (port) => Deno.listen({ port: Number(port), hostname: "127.0.0.1" }).close(),
  connect: async (port) => (await Deno.connect({ port: Number(port) })).close(),
  socket: (domain, type) => call(CALLS.socket, Number(domain), Number(type), 0),
  kill: (pid) => call(CALLS.kill, Number(pid), 0),
  "kill self": () => call(CALLS.kill, Deno.pid, 0),
  "signal own thread": () => call(CALLS.tgkill, Deno.pid, kernel.call(CALLS.gettid), 0),
  "signal by a pipe": (pid) => signalByPipe(Number(pid)),
  "datagrams to": (path) => datagramsTo(String(path)),
  ptrace: () => call(CALLS.ptrace, 0x4206, 1, 0, 0), // PTRACE_SEIZE
  unshare: () => call(CALLS.unshare, 0x10000000), // CLONE_NEWUSER
  "outlive the parent": () => call(CALLS.prctl, 1, 0, 0, 0, 0), // PR_SET_PDEATHSIG
  "newest call": () => call(463),
  "filtered threads": () => {
    const threads = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => name);
    const held = threads.filter((thread) =>
      /^NoNewPrivs:\t1\nSeccomp:\t2$/m.test(
        Deno.readTextFileSync(`/proc/self/task/${thread}/status`),
      )
    );
    return `${held.length} of ${threads.length}`;
  },
  "in a worker": async (path) => {
    const script = `try { Deno.readFileSync(${JSON.stringify(path)}); postMessage("ok"); }
      catch (error) { postMessage(error.code); }`;
    const worker = new Worker(`data:text/javascript,${encodeURIComponent(script)}`, {
      type: "module",
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    worker.onmessage = ({ data }): void => resolve(data);
    const answer = await promise;
    worker.terminate();
    return answer;
  },
  "stack trace": () => {
    // Of a file whose positions nobody has translated yet.
    try {
      planLandlock({ readOnly: ["relative"] }, 7);
    } catch (error) {
      return /landlock_plan\.ts:\d+:\d+/.exec((error as Error).stack!) ? "ok" : "no position";
    }
    return "no error";
  },
  wasm: () => {
    // (module (func (export "f") (result i32) i32.const 7))
    const bytes = Uint8Array.fromBase64("AGFzbQEAAAABBQFgAAF/AwIBAAcFAQFmAAAKBgEEAEEHCw==");
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    return String((f as () => number)());
  },
};

async function main(): Promise<never> {
  const sentence = JSON.parse(Deno.args[0]!) as Sentence;
  if (sentence.landlockErrno !== undefined) hideLandlock(sentence.landlockErrno);
  const sandbox = openSandbox();
  if (sentence.revokeFfi) Deno.permissions.revokeSync({ name: "ffi" });
  const entered = lockIn(sandbox, sentence);
  const results: string[] = [];
  for (const [what, ...parameters] of sentence.deeds) {
    results.push(await attempt(what, parameters));
  }
  console.log(JSON.stringify({ entered, results }));
  Deno.exit(0);
}

await main();
