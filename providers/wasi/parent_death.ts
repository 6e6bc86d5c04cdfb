/** Linux `prctl` option of that name: a signal for this process when its parent's thread ends. */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Makes the kernel end this process (SIGKILL) when the agent ends, however the agent ends.
 *
 * Linux only. `libc` is the path of the C library. Returns false if the agent is gone already, so
 * that no signal will come.
 */
export function dieWithParent(libc: string, parentPid: number): boolean {
  const library = Deno.dlopen(
    libc,
    {
      prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
      getppid: { parameters: [], result: "i32" },
    } as const,
  );
  if (library.symbols.prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL), 0n, 0n, 0n) !== 0) {
    throw new Error("Cannot tie the guest process to the agent: prctl(PR_SET_PDEATHSIG) failed");
  }
  // An agent that ended before the call has handed this process to another parent.
  return library.symbols.getppid() === parentPid;
}
