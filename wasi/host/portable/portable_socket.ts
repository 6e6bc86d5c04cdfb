import { ERRNO } from "../../errno.ts";
import type { Vectors } from "../../memory.ts";
import { turn } from "../../guest/turn.ts";
import type { Answer, FileStat, Wait } from "../host.ts";
import type { HostSocket } from "../socket.ts";

/** What a host has to tell about something that was waited for. */
export type Ready = NonNullable<Wait["ready"]>;

/** A socket of the portable host: it is moved by the event loop, and tells when it was. */
export interface PortableSocket extends HostSocket {
  readonly changes: Changes;
  /** What there is to tell now. If nothing, begins what can make it ready. */
  readiness(interest: Wait["interest"]): Ready | undefined;
}

/** Tells the sockets of this host from everything else that can be waited for. */
export function isPortableSocket(file: Wait["file"]): file is PortableSocket {
  return file.type === "socket" && "changes" in file && file.changes instanceof Changes;
}

/** Wakes everybody who waits for something to change. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Calls back at each change, until {@linkcode remove}. */
  add(waiting: () => void): void {
    this.#waiting.add(waiting);
  }

  remove(waiting: () => void): void {
    this.#waiting.delete(waiting);
  }

  wake(): void {
    for (const waiting of [...this.#waiting]) waiting();
  }

  /** Settles at the next change. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      const waiting = (): void => {
        this.remove(waiting);
        resolve();
      };
      this.add(waiting);
    });
  }
}

/**
 * Tries at each change until the answer is not `again`. Without patience it tries once more after one
 * turn of the event loop: only then has anybody asked the system.
 */
export function persist<Result>(
  attempt: () => Result | Answer,
  { changes, nonblock }: { changes: Changes; nonblock: boolean },
): Result | Answer | Promise<Result | Answer> {
  const answer = attempt();
  if (answer !== -ERRNO.again) return answer;
  return nonblock ? turn().then(attempt) : untilDone(attempt, changes);
}

async function untilDone<Result>(
  attempt: () => Result | Answer,
  changes: Changes,
): Promise<Result | Answer> {
  while (true) {
    await changes.next();
    const answer = attempt();
    if (answer !== -ERRNO.again) return answer;
  }
}

/** The buffers as views. They stay valid while the guest is suspended. */
export function viewsOf(vectors: Vectors): Uint8Array[] {
  return Array.from({ length: vectors.count }, (_, index) => vectors.view(index));
}

/** Copies bytes into buffers, from an offset into them on. Answers how many there was room for. */
export function scatter(
  bytes: Uint8Array,
  { into, skip }: { into: readonly Uint8Array[]; skip: number },
): number {
  let done = 0;
  for (const view of into) {
    const begin = Math.min(skip, view.length);
    skip -= begin;
    const part = bytes.subarray(done, done + view.length - begin);
    view.set(part, begin);
    done += part.length;
  }
  return done;
}

/** The status of a socket: nothing but its kind is known. */
export function fillSocketStat(out: FileStat, filetype: number): Answer {
  out.dev =
    out.ino =
    out.size =
    out.atimNs =
    out.mtimNs =
    out.ctimNs =
      0n;
  out.nlink = 1n;
  out.filetype = filetype;
  return 0;
}
