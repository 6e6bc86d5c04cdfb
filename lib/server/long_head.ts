/**
 * What becomes of a request whose head cannot be read.
 *
 * @module
 */
import type { Duplex } from "node:stream";

/** As Go's server says it. */
const ANSWER = "HTTP/1.1 431 Request Header Fields Too Large\r\n" +
  "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
  "431 Request Header Fields Too Large";
/** Time for the peer to read the answer: a connection that is closed with bytes unread takes it away. */
const LINGER_MS = 1_000;

/**
 * Tells the peer of a head that is too long, and closes the connection; for all other errors, and while an earlier
 * request of the connection has no answer yet (`busy`), it closes without a word. For the event `clientError`, which
 * comes again with each piece of such a head.
 */
export function refuseHead(
  error: Error,
  { socket, busy }: { readonly socket: Duplex; readonly busy: boolean },
): void {
  const isLong = "code" in error && error.code === "HPE_HEADER_OVERFLOW";
  if (!isLong || busy || socket.destroyed) {
    socket.destroy();
    return;
  }
  if (!socket.writable) return; // it was told, and goes on
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.end(ANSWER);
}
