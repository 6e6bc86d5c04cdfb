/**
 * Ports of the node that lead to pods: `hostPort`.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import type { Pod } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import type { Endpoint } from "../guest_network.ts";
import { type HostPort, hostPortsOf } from "../host_ports.ts";
import { sleep } from "../time.ts";
import type { PodPlace } from "./pod_addresses.ts";
import { portOwner } from "./port_owner.ts";
import { type ForwardOptions, forwardTcp } from "./tcp_forward.ts";
import { forwardUdp } from "./udp_forward.ts";

/** What host ports are opened with. The addresses and times are for tests. */
export interface HostPortsOptions {
  /** Tells the pod's Event of a port that cannot be had; the pod runs all the same. */
  readonly tell: (pod: Pod, reason: string, message: string) => void;
  /** Asked for each new peer. @default {everybody may come in} */
  readonly admits?: (question: Admission) => boolean;
  /** True for an address that is, or may become, a pod's: no other pod's port is opened there. @default {none is} */
  readonly isOfPods?: (ip: string) => boolean;
  /** The node's addresses. @default {those of this machine's interfaces} */
  readonly addresses?: () => readonly string[];
  /** @default 5_000 */
  readonly retryMs?: number;
}

/** Somebody comes to a pod by a port of the node. */
export interface Admission {
  readonly pod: Pod;
  readonly peer: Endpoint;
  /** The pod's port. */
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

/** A port that somebody else has may be free soon. */
const RETRY_MS = 5_000;
/** Interfaces come and go. */
const LOOK_MS = 60_000;
/** Event when a port of the node cannot be had. */
export const HOST_PORT_CONFLICT = "HostPortConflict";

/** Opens the ports of the node that pods ask for. */
export class HostPorts {
  readonly #options: HostPortsOptions;

  constructor(options: HostPortsOptions) {
    this.#options = options;
  }

  /**
   * Leads the pod's host ports to it until it is disposed of, which ends all connections. Resolves when those that
   * can be had are open; the others are tried again and again.
   *
   * They are bound to each of the node's addresses, and never to all at once: a pod that binds the same port of its
   * own address would find it taken.
   */
  async open(pod: Pod, place: Pick<PodPlace, "podIPs" | "own">): Promise<AsyncDisposable> {
    const ports = pod.spec?.hostNetwork === true
      ? []
      : hostPortsOf(pod).filter(({ hostPort, containerPort, protocol }) =>
        protocol !== "SCTP" && (place.own || hostPort !== containerPort)
      );
    if (ports.length === 0) return { [Symbol.asyncDispose]: () => Promise.resolve() };
    const opened = new OpenPorts({ ...this.#options, pod, podIPs: place.podIPs, ports });
    let complete = await opened.complete();
    const ending = new AbortController();
    const { retryMs = RETRY_MS } = this.#options;
    const run = async (): Promise<void> => {
      while (await sleep(complete ? LOOK_MS : retryMs, ending.signal)) {
        // A system that is out of descriptors does not even name its interfaces.
        complete = await opened.complete().catch(() => false);
      }
      await opened.close();
    };
    const running = run();
    return {
      async [Symbol.asyncDispose](): Promise<void> {
        ending.abort();
        await running;
      },
    };
  }
}

interface OpenPortsOptions extends HostPortsOptions {
  readonly pod: Pod;
  readonly podIPs: readonly string[];
  readonly ports: readonly HostPort[];
}

/** The open ports of one pod. */
class OpenPorts {
  readonly #options: OpenPortsOptions;
  readonly #forwards = new Map<string, AsyncDisposable>();
  /** What was told last of a port; each is told once. */
  readonly #told = new Map<HostPort, string | undefined>();

  constructor(options: OpenPortsOptions) {
    this.#options = options;
  }

  /** Opens what is missing, and closes what the node has no address for any more; true if nothing is missing. */
  async complete(): Promise<boolean> {
    const { ports, addresses = machineAddresses } = this.#options;
    const wanted = new Map<string, { readonly port: HostPort; readonly from: Endpoint }>();
    const own = addresses();
    for (const port of ports) {
      for (const ip of addressesFor(port, own)) {
        const from = { ip, port: port.hostPort };
        wanted.set(`${port.protocol} ${ip} ${port.hostPort}`, { port, from });
      }
    }
    for (const [key, forward] of this.#forwards) {
      if (wanted.has(key)) continue;
      this.#forwards.delete(key);
      await forward[Symbol.asyncDispose]();
    }
    const failures = new Map<HostPort, Failure[]>();
    for (const [key, { port, from }] of wanted) {
      const error = this.#forwards.has(key) ? undefined : await this.#open(key, { port, from });
      if (error === undefined) continue;
      failures.set(port, [...failures.get(port) ?? [], { from, why: messageOf(error) }]);
    }
    for (const port of ports) await this.#tell(port, failures.get(port) ?? []);
    return this.#forwards.size === wanted.size;
  }

  async close(): Promise<void> {
    const forwards = [...this.#forwards.values()];
    this.#forwards.clear();
    await Promise.all(forwards.map((forward) => forward[Symbol.asyncDispose]()));
  }

  /** Answers what is in the way. */
  async #open(
    key: string,
    { port, from }: { readonly port: HostPort; readonly from: Endpoint },
  ): Promise<unknown> {
    const { pod, podIPs, admits = () => true, isOfPods = () => false } = this.#options;
    const { containerPort } = port;
    // Else a pod could serve in the place of another, even on its loopback.
    if (isOfPods(from.ip)) return new Error("it is an address of pods, and none of the node");
    const protocol = port.protocol === "UDP" ? "UDP" : "TCP";
    const options: ForwardOptions = {
      from,
      to: podIPs.map((ip) => ({ ip, port: containerPort })),
      admits: (peer) => admits({ pod, peer, port: containerPort, protocol }),
    };
    try {
      const forward = protocol === "UDP" ? await forwardUdp(options) : forwardTcp(options);
      this.#forwards.set(key, forward);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** One word for all addresses of a port: most often one program has it on all of them. */
  async #tell(port: HostPort, failures: readonly Failure[]): Promise<void> {
    const { pod, tell } = this.#options;
    const { container, hostPort, protocol } = port;
    const [first] = failures;
    const ips = failures.map(({ from }) => from.ip).join(", ");
    const now = first === undefined ? undefined : `${ips}: ${first.why}`;
    if (this.#told.get(port) === now) return;
    this.#told.set(port, now);
    if (first === undefined) return;
    const owner = await portOwner(first.from, protocol === "UDP" ? "UDP" : "TCP");
    const who = owner === undefined ? "" : `; ${owner} has it`;
    const message =
      `Cannot open host port ${hostPort} (${protocol}) of container "${container}" on ${now}${who}; the pod \
runs without it, and it is tried again`;
    tell(pod, HOST_PORT_CONFLICT, message);
  }
}

/** A port could not be had at an address. */
interface Failure {
  readonly from: Endpoint;
  readonly why: string;
}

/** The addresses of the node on which a port is to be open. */
function addressesFor({ hostIP }: HostPort, own: readonly string[]): readonly string[] {
  if (hostIP === undefined) return own;
  if (hostIP === "0.0.0.0") return own.filter((ip) => !ip.includes(":"));
  if (hostIP === "::") return own.filter((ip) => ip.includes(":"));
  return [hostIP];
}

/** All but link-local ones, which only have a meaning together with an interface. */
function machineAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [...new Set(all.map(({ address }) => address))].filter((ip) => !/^fe[89ab]/i.test(ip));
}
