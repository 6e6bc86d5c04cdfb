/** Linux `prctl` option of that name: a signal for this process when its parent's thread ends. */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;
/** SIGHUP, SIGINT and SIGTERM on Linux and macOS. */
const LEFT_TO_THE_AGENT = [1, 2, 15];
/** `SIG_IGN` of signal(2). */
const IGNORE = 1n;

/**
 * Makes the kernel end this process (SIGKILL) when the agent ends, however the agent ends, and
 * leaves all other signals to the agent: Ctrl-C in a terminal and a stop of the service reach every
 * process, and it is the agent who knows about grace periods.
 *
 * Linux only. `libc` is the path of the C library. Returns false if the agent is gone already, so
 * that no signal will come.
 */
export function bindToAgent(libc: string, agentPid: number): boolean {
  const library = Deno.dlopen(
    libc,
    {
      prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
      getppid: { parameters: [], result: "i32" },
      signal: { parameters: ["i32", "u64"], result: "u64" },
    } as const,
  );
  for (const signal of LEFT_TO_THE_AGENT) library.symbols.signal(signal, IGNORE);
  if (library.symbols.prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL), 0n, 0n, 0n) !== 0) {
    throw new Error("Cannot tie the guest process to the agent: prctl(PR_SET_PDEATHSIG) failed");
  }
  // An agent that ended before the call has handed this process to another parent.
  return library.symbols.getppid() === agentPid;
}

/** Leaves the signals to the agent where there is no C library to ask. */
export function ignoreSignals(): void {
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of names) Deno.addSignalListener(name, () => {});
}
