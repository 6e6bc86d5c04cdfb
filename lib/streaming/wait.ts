import { ProtocolError } from "./session.ts";

/**
 * Waits for a promise; not for longer than `ms`, nor after the signal.
 *
 * @throws {ProtocolError} that the peer is late, with `what`.
 * @throws The signal's reason.
 */
export async function waitAtMost<T>(
  promise: Promise<T>,
  { ms, signal, what }: { ms: number; signal: AbortSignal; what: string },
): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const late = new ProtocolError(`Cannot wait for ${what}: the peer is late after ${ms} ms`);
  const timer = setTimeout(() => reject(late), ms);
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
