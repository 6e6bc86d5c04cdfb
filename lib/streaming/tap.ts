/**
 * Stops and starts what comes over a socket.
 *
 * A paused TLS socket of the runtime gives nothing, and goes on to read and to keep what its peer
 * sends, without end (measured on Deno 2.9.6: 500 MB for one connection). The plain socket under it
 * does not, but its own `pause()` does nothing either, because the TLS socket reads its handle. That
 * handle is what is stopped here. Where there is none, the socket's own way has to do.
 *
 * @module
 */
import type { Duplex } from "node:stream";

/** The parts of a TLS socket that are not declared, as Node has them too. */
interface Layered {
  readonly _parent?: {
    readonly _handle?: { readStop?(): number; readStart?(): number } | null;
  } | null;
}

/** What can be paused beside a socket: a WebSocket keeps messages of its own. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/** Nothing more is read from the socket, and nothing comes out of `outlet`. */
export function shut(socket: Duplex, outlet: Pausable = socket): void {
  outlet.pause();
  (socket as Layered)._parent?._handle?.readStop?.();
}

/** Undoes {@linkcode shut}. */
export function open(socket: Duplex, outlet: Pausable = socket): void {
  if (socket.destroyed) return;
  (socket as Layered)._parent?._handle?.readStart?.();
  outlet.resume();
}
