/**
 * A UDP port of the node that leads to a pod's.
 *
 * @module
 */
import { createSocket, type Socket } from "node:dgram";
import type { Endpoint } from "../guest_network.ts";
import type { ForwardOptions } from "./tcp_forward.ts";

/** Peers that answers can be brought to at a time; packets of others are lost until one falls silent. */
const FLOWS_MAX = 1_024;
/** A peer that is silent for so long is forgotten, as kernels do it for a packet without an answer. */
const SILENCE_MS_MAX = 30_000;

/** One peer, and the socket that stands for it towards the pod. */
interface Flow {
  readonly socket: Socket;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Takes packets and leads them to the first endpoint; what comes back is brought to the peer. Rejects with what the
 * system says if the port cannot be had. Disposing forgets all peers.
 */
export async function forwardUdp(
  { from, to, admits }: ForwardOptions,
  options: { readonly silenceMs?: number } = {},
): Promise<AsyncDisposable> {
  const [target] = to;
  if (target === undefined) return { [Symbol.asyncDispose]: () => Promise.resolve() };
  const server = await boundSocket(from);
  const flows = new Map<string, Flow>();
  const forget = (key: string): void => {
    const flow = flows.get(key);
    flows.delete(key);
    clearTimeout(flow?.timer);
    if (flow !== undefined) closeQuietly(flow.socket);
  };
  const extend = (key: string): ReturnType<typeof setTimeout> =>
    setTimeout(() => forget(key), options.silenceMs ?? SILENCE_MS_MAX);
  const begin = (key: string, peer: Endpoint): Flow | undefined => {
    if (flows.size >= FLOWS_MAX || !admits(peer)) return undefined;
    const socket = createSocket(familyOf(target));
    socket.on("message", (packet, { address, port }) => {
      // Nobody else may speak for the pod.
      if (address !== target.ip || port !== target.port) return;
      server.send(packet, peer.port, peer.ip, () => {});
    });
    // Nobody listens there (yet): the peer sees silence, as with any lost packet.
    socket.on("error", () => forget(key));
    return { socket, timer: extend(key) };
  };
  server.on("message", (packet, { address: ip, port }) => {
    const key = `${ip} ${port}`;
    const known = flows.get(key);
    clearTimeout(known?.timer);
    const flow = known === undefined
      ? begin(key, { ip, port })
      : { socket: known.socket, timer: extend(key) };
    if (flow === undefined) return;
    flows.set(key, flow);
    flow.socket.send(packet, target.port, target.ip, () => {});
  });
  return {
    [Symbol.asyncDispose]: async (): Promise<void> => {
      for (const key of [...flows.keys()]) forget(key);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function boundSocket({ ip, port }: Endpoint): Promise<Socket> {
  const socket = createSocket(familyOf({ ip }));
  return new Promise((resolve, reject) => {
    socket.once("error", (error) => {
      closeQuietly(socket);
      reject(error);
    });
    socket.bind({ address: ip, port, exclusive: true }, () => {
      socket.removeAllListeners("error");
      // A packet that cannot be sent is a lost one.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

function familyOf({ ip }: Pick<Endpoint, "ip">): "udp4" | "udp6" {
  return ip.includes(":") ? "udp6" : "udp4";
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close();
  } catch {
    // It is closed.
  }
}
