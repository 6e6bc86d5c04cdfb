/**
 * Streams over one connection, for `exec`, `attach` and `port-forward`: WebSockets with channels,
 * SPDY/3.1, and SPDY in WebSockets, behind one interface each.
 *
 * ```ts ignore
 * server.on("upgrade", async (request, socket, head) => {
 *   const streams = { stdin: true, stdout: true, stderr: true, tty: false };
 *   const session = await acceptRemoteCommand({ request, socket, head }, { streams, signal });
 *   for await (const bytes of session.stdin!) await session.stdout!.write(bytes);
 *   await session.exit({ kind: "exited", code: 0 });
 * });
 * ```
 *
 * @module
 */
export {
  type AcceptOptions,
  acceptPortForward,
  acceptRemoteCommand,
  refuseUpgrade,
  type Upgrade,
} from "./accept.ts";
export { STREAMING_TIMES, type StreamingTimes } from "./limits.ts";
export {
  ClosedError,
  type CommandEnd,
  type CommandStreams,
  type ForwardedConnection,
  type Output,
  type PortForwardSession,
  ProtocolError,
  type RemoteCommandSession,
  type TerminalSize,
} from "./session.ts";
export { UpgradeRefusal } from "./upgrade.ts";
