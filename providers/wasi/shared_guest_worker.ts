/**
 * Entry of a Worker of a shared process: waits for one order and runs one guest.
 *
 * A Worker ends a guest truly only where `terminate()` stops a loop. On Deno that is so for a Worker of
 * `node:worker_threads` that holds a Web Lock; the shared process tries it before it takes an order.
 *
 * @module
 */
import { parentPort, workerData } from "node:worker_threads";
import { openHost, openSandbox, OwnedDescriptors } from "../../wasi/mod.ts";
import { enterSandbox } from "./enter_sandbox.ts";
import { runGuest } from "./guest_run.ts";
import { Kernel } from "./kernel.ts";
import { GUEST_NICENESS } from "./limits.ts";
import { rehearse } from "./rehearsal.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./shared_worker.ts";

const { libc, owned: shared } = workerData as WorkerStart;
// Who ends this thread closes what is in it.
const owned = OwnedDescriptors.of(shared);
const kernel = Kernel.open(libc);
await holdLock();
await openHost("libc", { owned });
kernel.beNice(GUEST_NICENESS);
const socket = kernel.unixSocket(); // the walls refuse to make one
owned.take(socket);
const sandbox = openSandbox({ around: "thread", owned });
sandbox.prepare();
await rehearse();
parentPort?.on("message", (message: ToWorker) => void obey(message));
say({ say: "up", thread: kernel.threadId() });

function say(message: FromWorker): void {
  parentPort?.postMessage(message);
}

/** The part of Web Locks that is used here; Deno's types of it are behind. */
interface Locks {
  request(name: string, callback: () => Promise<never>): Promise<never>;
}

/** Takes a lock of its own and never lets go of it. */
async function holdLock(): Promise<void> {
  const { locks } = navigator as unknown as { readonly locks: Locks };
  await new Promise<void>((taken) => {
    const held = locks.request(`guest-${crypto.randomUUID()}`, () => {
      taken();
      return new Promise<never>(() => {});
    });
    held.catch(() => {}); // only the end of this Worker ends it
  });
}

/** Closes the end of a line to the agent that nobody has use for. */
function hangUp(): void {
  owned.leave(socket);
  kernel.close(socket);
}

async function obey(message: ToWorker): Promise<void> {
  if (message.do === "spin") { for (;;); }
  const { order, module } = message;
  let declined = false;
  const end = await runGuest(order, {
    host: "libc",
    ...(module === undefined ? {} : { module }),
    line: { libc, socket },
    enclose({ threads, sockets }): void {
      // They would be Workers of this Worker, which nobody could end.
      declined = threads;
      if (declined) throw new Error("Cannot share a process: the module starts threads");
      if (!sockets) hangUp(); // whoever takes this thread over could connect it
      enterSandbox(sandbox, order, { sockets });
    },
    onCompiled: (compiled) => say({ say: "compiled", module: compiled }),
    onStarted: () => say({ say: "started" }),
  });
  say(declined ? { say: "declined" } : { say: "exit", end });
}
