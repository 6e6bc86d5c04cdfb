/**
 * Entry of a guest process. Importing this file *is* the process: it boots, waits for one order, runs
 * one guest and ends; or it is shared, and runs the guests of one module in Workers.
 *
 * It is short-lived and started by the hundred, so it imports next to nothing: types from the
 * library, and values only from files of this folder that need nothing themselves.
 *
 * Arguments: the agent's process id; on Linux the path of the C library; and `shared` for that kind.
 *
 * @module
 */
import { openHost } from "../../wasi/mod.ts";
import { bindToAgent, ignoreSignals } from "./agent_bond.ts";
import { grantsOf } from "./grants.ts";
import { runGuest } from "./guest_run.ts";
import { Kernel } from "./kernel.ts";
import { GUEST_NICENESS, ORDER_BYTES_MAX } from "./limits.ts";
import { limitProcess } from "./process_limits.ts";
import { encodeLine, type Order, type RunEnd, type Word } from "./protocol.ts";

/** A compiled binary has them all, for the agent's sake; a guest process has use for none. */
const NEVER_NEEDED = ["run", "net", "env", "sys"] as const;

await main();

async function main(): Promise<void> {
  const [parentPid, libc, shared] = guestArguments();
  const kernel = libc === undefined ? undefined : Kernel.open(libc);
  if (kernel === undefined) ignoreSignals();
  else if (!bindToAgent(kernel, Number(parentPid))) Deno.exit(0);
  for (const name of NEVER_NEEDED) Deno.permissions.revokeSync({ name });
  if (kernel !== undefined && libc !== undefined && shared === "shared") {
    const { serveGuests } = await import("./shared_main.ts");
    return await serveGuests({ kernel, libc });
  }
  openHost(kernel === undefined ? "portable" : "libc", { revokeFfi: true });
  say({ word: "ready" });
  const order = readOrder();
  if (order === undefined) Deno.exit(0); // the agent is gone, or needs this process no more
  say({
    word: "exit",
    ...await (kernel === undefined ? runScoped(order) : runHere(order, kernel)),
  });
  Deno.exit(0);
}

/** The arguments without the word that chooses this entry in a compiled binary. */
function guestArguments(): string[] {
  return Deno.args.filter((argument) => !argument.startsWith("__"));
}

function say(word: Word): void {
  const bytes = encodeLine(word);
  let written = 0;
  while (written < bytes.length) written += Deno.stdout.writeSync(bytes.subarray(written));
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
    if (buffer[count - 1] !== 10) continue; // the order is one line, and nothing follows it
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

/** Runs the guest on this thread, where the kernel contains it. */
async function runHere(order: Order, kernel: Kernel): Promise<RunEnd> {
  limitProcess(kernel, order);
  kernel.beNice(GUEST_NICENESS);
  return await runGuest(order, { host: "libc", onStarted: () => say({ word: "started" }) });
}

/** Runs the guest in a Worker whose permissions are cut to what the order names. */
async function runScoped(order: Order): Promise<RunEnd> {
  const { read, write } = grantsOf(order);
  const worker = new Worker(new URL("./scoped_guest_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: { read: [...read], write: [...write] } },
  });
  return await new Promise((resolve) => {
    const crashed = (message: string): void =>
      resolve({ exit: { kind: "crashed", message }, droppedLogBytes: 0 });
    worker.onmessage = ({ data }: MessageEvent<Word>): void => {
      if (data.word === "exit") resolve({ exit: data.exit, droppedLogBytes: data.droppedLogBytes });
      else say(data);
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      crashed(`The guest's Worker failed: ${event.message}`);
    };
    worker.postMessage(order);
  });
}
