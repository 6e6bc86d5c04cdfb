/**
 * A connection, and nothing more.
 *
 * @module
 */
import { connect } from "node:net";
import { networkMessage } from "./network_error.ts";
import { failure, type Outcome, SUCCESS } from "./outcome.ts";

/** Success if somebody takes the connection. Never rejects. */
export function tcpConnect(
  address: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Outcome> {
  const { host, port } = address;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (outcome: Outcome): void => {
      signal.removeEventListener("abort", late);
      socket.destroy();
      resolve(outcome);
    };
    const late = (): void => settle(failure(`dial tcp ${host}:${port}: i/o timeout`));
    socket.once("connect", () => settle(SUCCESS));
    socket.on(
      "error",
      (error) => settle(failure(`dial tcp ${host}:${port}: ${networkMessage(error)}`)),
    );
    signal.addEventListener("abort", late, { once: true });
    if (signal.aborted) late();
  });
}
