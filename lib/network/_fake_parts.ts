/** Parts of a network that tests set up themselves. */
import type { Pod } from "../api/types.ts";
import { NodeNetwork, type NodeNetworkOptions } from "./node_network.ts";
import type { ObservedAsk, PlaceKeeper, PlaceOfPod } from "./parts.ts";

/** Gives pods places below 127.0.0.0/8, one after the other. */
export class FakeAddresses implements PlaceKeeper {
  readonly places = new Map<string, PlaceOfPod>();
  /** What a pod gets in the place of an address. */
  failure: Error | undefined;
  /** Resolves when a pod gives back its place. */
  readonly released = Promise.withResolvers<void>();
  readonly #third: number;

  /** Tests that run at the same time have other places. */
  constructor(third: number) {
    this.#third = third;
  }

  take(uid: string): Promise<PlaceOfPod> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const index = this.places.size + 1;
    const place = this.places.get(uid) ?? {
      podIPs: [`127.66.${this.#third}.${index}`],
      loopback: `127.67.${this.#third}.${index}`,
      own: true,
    };
    this.places.set(uid, place);
    return Promise.resolve(place);
  }

  release(uid: string): Promise<void> {
    this.places.delete(uid);
    this.released.resolve();
    return Promise.resolve();
  }

  get uids(): string[] {
    return [...this.places.keys()];
  }

  find(ip: string): string | undefined {
    return [...this.places].find(([, { podIPs, loopback }]) =>
      podIPs.includes(ip) || ip === loopback
    )?.[0];
  }

  isStandIn(ip: string): boolean {
    return ip.startsWith("127.67.");
  }

  isOfPods(ip: string): boolean {
    return ip.startsWith("127.66.") || this.isStandIn(ip);
  }
}

/** A network whose words are kept. */
export interface FakeNetwork {
  readonly network: NodeNetwork;
  readonly addresses: FakeAddresses;
  readonly asked: ObservedAsk[];
  /** `reason: message` of each event. */
  readonly told: string[];
}

/** A network of fake addresses and real sockets. */
export function fakeNetwork(
  third: number,
  { parts, ...options }: Partial<Omit<NodeNetworkOptions, "parts">> & {
    readonly parts?: Partial<NodeNetworkOptions["parts"]>;
  } = {},
): FakeNetwork {
  const addresses = new FakeAddresses(third);
  const asked: ObservedAsk[] = [];
  const told: string[] = [];
  const network = new NodeNetwork({
    addresses,
    nodeIPs: ["127.0.0.1"],
    ...options,
    parts: {
      names: { resolve: () => Promise.resolve([]) },
      tell: (_pod, { reason, message }) => void told.push(`${reason}: ${message}`),
      onAsked: (ask) => void asked.push(ask),
      ...parts,
    },
  });
  return { network, addresses, asked, told };
}

/** A pod with one container, `app`. */
export function podOf(uid: string, spec: Partial<NonNullable<Pod["spec"]>> = {}): Pod {
  return {
    metadata: { namespace: "default", name: uid, uid },
    spec: { containers: [{ name: "app", image: "app" }], ...spec },
  };
}
