import type { TransportProtocol } from "../guest_network.ts";

/** Ports of one pod that are remembered: more than servers need, and few enough to keep. */
export const BOUND_PORTS_MAX = 4_096;

/** Where the programs of a pod last listened: on all addresses, or on its loopback only. */
export class BoundPorts {
  readonly #ports = new Map<string, "any" | "loopback">();

  /** The newest word about a port counts; beyond {@linkcode BOUND_PORTS_MAX} the oldest are forgotten. */
  bound(protocol: TransportProtocol, port: number, where: "any" | "loopback"): void {
    const key = `${protocol}/${port}`;
    this.#ports.delete(key);
    this.#ports.set(key, where);
    if (this.#ports.size <= BOUND_PORTS_MAX) return;
    for (const oldest of this.#ports.keys()) {
      this.#ports.delete(oldest);
      return;
    }
  }

  /** `undefined` for a port that nobody has listened with. */
  at(protocol: TransportProtocol, port: number): "any" | "loopback" | undefined {
    return this.#ports.get(`${protocol}/${port}`);
  }
}
