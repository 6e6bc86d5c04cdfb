/**
 * Two TCP connections that are one to those at their ends.
 *
 * @module
 */

/** Bytes on their way in one direction; more are read when these are written. */
const BUFFER_BYTES = 64 * 1024;

/**
 * Copies in both directions, each until its end, which the other side is told: a program that has said all may go
 * on listening. Settles, with both closed, when both directions have ended, or one of them was torn. Never rejects.
 */
export async function relayTcp(one: Deno.TcpConn, other: Deno.TcpConn): Promise<void> {
  const close = (): void => {
    for (const connection of [one, other]) {
      try {
        connection.close();
      } catch {
        // It is closed.
      }
    }
  };
  const copy = async (from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> => {
    try {
      await copyAll(from, to);
    } catch {
      // Torn: what one end sees, the other has to see too.
      close();
    }
  };
  await Promise.all([copy(one, other), copy(other, one)]);
  close();
}

async function copyAll(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
    for (let rest = buffer.subarray(0, count); rest.length > 0;) {
      rest = rest.subarray(await to.write(rest));
    }
  }
  await to.closeWrite();
}
