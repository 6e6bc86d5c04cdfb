/**
 * A TCP port of the node that leads to a pod's.
 *
 * @module
 */
import type { Endpoint } from "../guest_network.ts";
import { Lanes } from "../lanes.ts";
import { sleep } from "../time.ts";
import { relayTcp } from "./tcp_relay.ts";

/** What is forwarded, and to where. */
export interface ForwardOptions {
  /** An address and a port of the node. */
  readonly from: Endpoint;
  /** Tried in their order: a pod has an address of each family, and may listen on one only. */
  readonly to: readonly Endpoint[];
  /** False turns a peer away. */
  admits(peer: Endpoint): boolean;
}

/** Connections of one port at a time; others wait until the system's own queue is full. */
export const CONNECTIONS_MAX = 4_096;
/** The pod is on this machine: it answers at once, or its queue is full. */
const CONNECT_MS_MAX = 10_000;
/** After a moment without descriptors there may be some. */
const ACCEPT_PAUSE_MS = 100;

/**
 * Listens, and leads each connection to the first endpoint that takes it; with none, the peer is hung up on. Disposing
 * ends all connections.
 *
 * @throws What the system says if it cannot listen.
 */
export function forwardTcp({ from, to, admits }: ForwardOptions): AsyncDisposable {
  const listener = Deno.listen({ hostname: from.ip, port: from.port });
  const ending = new AbortController();
  const lanes = new Lanes(CONNECTIONS_MAX);
  const open = new Set<Deno.TcpConn>();
  const serve = async (peer: Deno.TcpConn): Promise<void> => {
    open.add(peer);
    const target = admits(endpointOf(peer)) ? await reach(to, ending.signal) : undefined;
    if (target === undefined || ending.signal.aborted) {
      target?.close();
      closeQuietly(peer);
    } else {
      open.add(target);
      await relayTcp(peer, target);
      open.delete(target);
    }
    open.delete(peer);
  };
  const serving = new Set<Promise<void>>();
  const accept = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const lane = await lanes.enter();
      try {
        const peer = await listener.accept();
        const served = serve(peer).finally(() => {
          lane[Symbol.dispose]();
          serving.delete(served);
        });
        serving.add(served);
      } catch {
        lane[Symbol.dispose]();
        await sleep(ACCEPT_PAUSE_MS, ending.signal);
      }
    }
  };
  const accepting = accept();
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      ending.abort();
      listener.close();
      for (const connection of open) closeQuietly(connection);
      await Promise.all([...serving, accepting]);
    },
  };
}

async function reach(
  endpoints: readonly Endpoint[],
  ending: AbortSignal,
): Promise<Deno.TcpConn | undefined> {
  for (const { ip, port } of endpoints) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), CONNECT_MS_MAX);
    try {
      const signal = AbortSignal.any([ending, late.signal]);
      return await Deno.connect({ hostname: ip, port, signal });
    } catch {
      // Nobody listens there.
    } finally {
      clearTimeout(timer);
    }
  }
  return undefined;
}

function endpointOf({ remoteAddr: { hostname: ip, port } }: Deno.TcpConn): Endpoint {
  return { ip, port };
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
