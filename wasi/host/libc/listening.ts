import type { Answer } from "../host.ts";
import type { SocketCalls } from "./libc_socket_calls.ts";

/** Linux's `SHUT_RDWR`: of what listens, new connections are refused and `accept` fails. */
const BOTH_WAYS = 2;

/** The sockets that one host has made listen. */
export class Listening {
  readonly #calls: SocketCalls;
  readonly #sockets = new Set<number>();
  /** Those whose guest has been told that they are shut down. */
  readonly #told = new Set<number>();
  #stopped = false;

  constructor(calls: SocketCalls) {
    this.#calls = calls;
  }

  /** Takes connections from now on, unless all are stopped: then they are refused as if it had. */
  begin(fd: number, backlog: number): Answer {
    const answer = this.#calls.listen(fd, backlog);
    if (answer < 0) return answer;
    this.#sockets.add(fd);
    if (this.#stopped) this.#calls.shutdown(fd, BOTH_WAYS);
    return answer;
  }

  /** The descriptor is about to be closed: its number may come again. */
  forget(fd: number): void {
    this.#sockets.delete(fd);
    this.#told.delete(fd);
  }

  /** True if a guest that waited to accept has been told before that it is in vain: not all take that for an end. */
  isRepeated(fd: number): boolean {
    if (!this.#stopped) return false;
    if (this.#told.has(fd)) return true;
    this.#told.add(fd);
    return false;
  }

  /** Another guest begins: what listens from now on may go on. */
  permit(): void {
    this.#stopped = false;
  }

  /** Shuts them down, and each one that begins later. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const fd of this.#sockets) {
      // Another thread may have closed it, and the number is a connection's by now.
      if (this.#calls.getOption(fd, "listening") === 1) this.#calls.shutdown(fd, BOTH_WAYS);
    }
  }
}
