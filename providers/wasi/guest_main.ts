/**
 * Entry of a guest process. Importing this file *is* the process: it boots, waits for one order, runs
 * one guest and ends; or it is shared, and runs the guests of one module in Workers.
 *
 * It is short-lived and started by the hundred, so it imports next to nothing: types from the
 * library, and values only from files of this folder that need nothing themselves.
 *
 * Arguments: the agent's process id; `alone`, `awaited` if a guest waits for it, or `shared`, and the path of the C
 * library; or `portable`;
 * the folders of this program's own code, unless it is a part of a compiled binary.
 *
 * @module
 */
import { openHost, openSandbox, type Sandbox } from "../../wasi/mod.ts";
import { bindToAgent, endWithAgent, ignoreSignals } from "./agent_bond.ts";
import { enterSandbox } from "./enter_sandbox.ts";
import type { ProgramFiles } from "./grants.ts";
import { runGuest } from "./guest_run.ts";
import { Kernel } from "./kernel.ts";
import { GUEST_NICENESS, ORDER_BYTES_MAX } from "./limits.ts";
import { limitData, limitProcess } from "./process_limits.ts";
import type { Order, RunEnd } from "./protocol.ts";
import type { FromScoped } from "./scoped_guest_worker.ts";
import { rehearse } from "./rehearsal.ts";
import { say, sayOutput } from "./say.ts";
import { permissionsOf } from "./scoped_walls.ts";

/** A compiled binary has them all, for the agent's sake; a guest process has use for none. */
const NEVER_NEEDED = ["run", "env", "sys"] as const;

await main();

async function main(): Promise<void> {
  const [parentPid, kind, ...files] = guestArguments();
  for (const name of NEVER_NEEDED) Deno.permissions.revokeSync({ name });
  // The Worker of a portable guest needs it, if its pod has a network.
  if (kind !== "portable") Deno.permissions.revokeSync({ name: "net" });
  if (kind === "portable") {
    ignoreSignals();
    if (Deno.build.os !== "windows") endWithAgent(Number(parentPid));
    await obey((order) => runScoped(order, files));
    Deno.exit(0);
  }
  const [libc = "", ...codeDirs] = files;
  const kernel = Kernel.open(libc);
  if (!bindToAgent(kernel, Number(parentPid))) Deno.exit(0);
  if (kind === "shared") {
    const { serveGuests } = await import("./shared_main.ts");
    await serveGuests({ kernel, libc });
  } else {
    await openHost("libc");
    const socket = kernel.unixSocket(); // the walls refuse to make one
    const sandbox = openSandbox();
    sandbox.prepare();
    if (kind !== "awaited") await rehearse();
    await obey((order) => runHere(order, { kernel, sandbox, socket, program: { libc, codeDirs } }));
  }
  Deno.exit(0);
}

/** Takes the one order, and says how its guest ended. */
async function obey(run: (order: Order) => Promise<RunEnd>): Promise<void> {
  say({ word: "ready" });
  const order = readOrder();
  if (order === undefined) return; // the agent is gone, or needs this process no more
  say({ word: "exit", ...await run(order) });
}

/** The arguments without the word that chooses this entry in a compiled binary. */
function guestArguments(): string[] {
  return Deno.args.filter((argument) => !argument.startsWith("__"));
}

/**
 * Waits for the one line of the agent. `undefined` when the agent closed the pipe instead, which is
 * how an idle process learns on every system that it is alone.
 */
function readOrder(): Order | undefined {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (let bytes = 0; bytes < ORDER_BYTES_MAX;) {
    const count = Deno.stdin.readSync(buffer);
    if (count === null) return undefined;
    parts.push(buffer.slice(0, count));
    bytes += count;
    // The order is one line. What may follow it, the guest's stdin, is sent once the guest has begun.
    if (buffer[count - 1] !== 10) continue;
    return JSON.parse(new TextDecoder().decode(concat(parts, bytes))) as Order;
  }
  return undefined;
}

function concat(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What {@linkcode runHere} works with. */
interface Here {
  readonly kernel: Kernel;
  readonly sandbox: Sandbox;
  /** A Unix socket that is not connected, for a guest that has a network. */
  readonly socket: number;
  readonly program: ProgramFiles;
}

/** Runs the guest on this thread, where the kernel contains it. */
async function runHere(
  order: Order,
  { kernel, sandbox, socket, program }: Here,
): Promise<RunEnd> {
  limitProcess(kernel);
  kernel.beNice(GUEST_NICENESS);
  const end = await runGuest(order, {
    host: "libc",
    line: { libc: program.libc, socket },
    enclose({ threads, sockets }): void {
      if (!sockets) kernel.close(socket); // whoever takes this process over could connect it
      // Half a GiB of addresses that each Worker's code may use would count in full.
      if (!threads) limitData(kernel, order);
      // Each thread opens the C library again.
      if (!threads) Deno.permissions.revokeSync({ name: "ffi" });
      enterSandbox(sandbox, order, { sockets, ...(threads ? { program } : {}) });
    },
    onStarted: () => say({ word: "started" }),
    onOutput: sayOutput,
  });
  const cpuNanos = kernel.cpuNanos();
  return { ...end, ...(cpuNanos === undefined ? {} : { cpuNanos }) };
}

/** Runs the guest in a Worker whose permissions are cut to what the order names and its code. */
async function runScoped(order: Order, codeDirs: readonly string[]): Promise<RunEnd> {
  const worker = new Worker(new URL("./scoped_guest_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: permissionsOf(order, codeDirs) },
  });
  Deno.permissions.revokeSync({ name: "net" });
  return await new Promise((resolve) => {
    const crashed = (message: string): void =>
      resolve({ exit: { kind: "crashed", message }, droppedLogBytes: 0 });
    worker.onmessage = ({ data }: MessageEvent<FromScoped>): void => {
      // Nobody would end it, and a later agent would find its addresses in use.
      if (data === "orphaned") Deno.exit(1);
      resolve(data);
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      crashed(`The guest's Worker failed: ${event.message}`);
    };
    worker.postMessage(order);
  });
}
