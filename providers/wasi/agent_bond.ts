import type { Kernel } from "./kernel.ts";

/** SIGHUP, SIGINT and SIGTERM on Linux and macOS. */
const LEFT_TO_THE_AGENT = [1, 2, 15];

/**
 * Makes the kernel end this process (SIGKILL) when the agent ends, however the agent ends, and
 * leaves all other signals to the agent: Ctrl-C in a terminal and a stop of the service reach every
 * process, and it is the agent who knows about grace periods.
 *
 * Linux only. Returns false if the agent is gone already, so that no signal will come.
 */
export function bindToAgent(kernel: Kernel, agentPid: number): boolean {
  for (const signal of LEFT_TO_THE_AGENT) kernel.ignore(signal);
  kernel.dieWithParent();
  // An agent that ended before the call has handed this process to another parent.
  return kernel.parent() === agentPid;
}

/** How long a guest may go on where the kernel does not end it with its agent. */
const AGENT_LOOK_MS = 1_000;

/**
 * Ends this process within {@linkcode AGENT_LOOK_MS} after the agent has ended, however that ended, for systems
 * where nobody else does it. Not on Windows, where a process keeps the number of a parent that is gone.
 */
export function endWithAgent(
  agentPid: number,
  { parent = () => Deno.ppid, end = () => Deno.exit(1) }: {
    readonly parent?: () => number;
    readonly end?: () => void;
  } = {},
): Disposable {
  const timer = setInterval(() => {
    if (parent() !== agentPid) end();
  }, AGENT_LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Leaves the signals to the agent where there is no C library to ask. */
export function ignoreSignals(): void {
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) Deno.addSignalListener(name, () => {});
}
