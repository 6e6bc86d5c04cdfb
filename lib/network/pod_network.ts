/**
 * The network of one pod: what its guests ask, answered from addresses, Services, names and policies.
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";
import type {
  Endpoint,
  GuestNetwork,
  NetworkRequest,
  TransportProtocol,
} from "../guest_network.ts";
import { BoundPorts } from "./bound_ports.ts";
import { decide, type NetworkView, type PolicyWord, refusal, type Verdict } from "./decide.ts";
import { freePort, isFree } from "./local_ports.ts";
import { isLoopback, isWildcard } from "./kinds_of_address.ts";
import { NameRefused } from "./name_refused.ts";
import type { HostList, NetworkParts, PlaceOfPod } from "./parts.ts";
import { Refusals } from "./refusals.ts";

/** What {@linkcode PodNetwork} begins with. */
export interface PodNetworkOptions {
  /** The newest version of the pod. */
  pod(): Pod;
  readonly place: PlaceOfPod;
  readonly parts: NetworkParts;
}

/** The network of one pod, for as long as it has its place. */
export class PodNetwork implements Disposable {
  readonly #options: PodNetworkOptions;
  readonly #bound = new BoundPorts();
  readonly #refusals = new Refusals();
  readonly #hosts: HostList | undefined;
  readonly #held: ReturnType<NonNullable<NetworkParts["policy"]>["hold"]> | undefined;

  /** Throws a `KubeletError` with code `rejected` for a pod whose own list of hosts cannot be read. */
  constructor(options: PodNetworkOptions) {
    this.#options = options;
    const { pod, place: { podIPs, own }, parts: { hostsOf, policy } } = options;
    this.#hosts = hostsOf?.(pod());
    this.#held = policy?.hold(pod(), own ? podIPs : []);
  }

  /** There is a newer version of the pod. */
  update(pod: Pod): void {
    this.#held?.update(pod);
  }

  /** Nothing of the pod runs any more. */
  [Symbol.dispose](): void {
    this.#held?.[Symbol.dispose]();
  }

  /** The first one is `status.podIP`. */
  get podIPs(): readonly string[] {
    return this.#options.place.podIPs;
  }

  /** The hosts that the pod limits itself to; `undefined` for one that does not. */
  get hosts(): HostList | undefined {
    return this.#hosts;
  }

  /** The network as a container of the pod has it. */
  guest(container: string): GuestNetwork {
    const { pod, place: { loopback }, parts: { policy } } = this.#options;
    const isGuarded = (): boolean => !isOfNode(pod()) && policy?.isGuarded(pod()) === true;
    const listeners = this.#listeners(container);
    // Where the machine's loopback is the pod's as well, a declared port may be that of a program of the node.
    for (const { port } of listeners) {
      if (this.#bound.at("tcp", port) !== undefined) continue;
      if (loopback !== undefined || isFree(port)) this.#bound.bound("tcp", port, "any");
    }
    return {
      ask: async (request) => (await this.#ask(request)).answer,
      listeners,
      ...(loopback === undefined ? {} : { loopback }),
      get guarded() {
        return isGuarded();
      },
      onGuardChanged: (listener) => {
        let before = isGuarded();
        const look = (): void => {
          const now = isGuarded();
          if (now !== before) listener(before = now);
        };
        return policy?.onChange(look) ?? { [Symbol.dispose]: () => {} };
      },
    };
  }

  /** Where the node finds what listens in the pod with this port: the likeliest place first. */
  placesOf(port: number): Endpoint[] {
    const { place: { podIPs, loopback, own }, pod } = this.#options;
    const bound = this.#bound.at("tcp", port);
    // The node's own servers are nobody's pod.
    if (!own && !isOfNode(pod()) && bound === undefined) return [];
    const ips = [loopback ?? "127.0.0.1", ...podIPs];
    if (bound === "any" && own) ips.push(ips.shift()!);
    return ips.map((ip) => ({ ip, port }));
  }

  async #ask(request: NetworkRequest): Promise<Verdict> {
    const beganMs = performance.now();
    const verdict = await this.#answer(request).catch(() => refusal("again", "unknown"));
    this.#note(request, { verdict, ms: performance.now() - beganMs });
    return verdict;
  }

  async #answer(request: NetworkRequest): Promise<Verdict> {
    if (request.want === "resolve") return await this.#resolve(request.name);
    const verdict = decide(request, this.#view());
    return request.want === "bind" ? await this.#bind(request, verdict) : verdict;
  }

  async #bind(
    { endpoint: asked, protocol }: {
      readonly endpoint: Endpoint;
      readonly protocol: TransportProtocol;
    },
    verdict: Verdict,
  ): Promise<Verdict> {
    const { pod, parts, place: { own } } = this.#options;
    if (!("endpoint" in verdict.answer)) return verdict;
    const { endpoint } = verdict.answer;
    if (endpoint.port !== 0 && await parts.isTaken(endpoint, protocol)) {
      return refusal("addrinuse", "port-taken");
    }
    const anywhere = !isLoopback(asked.ip);
    // Whoever looks for it on the pod's loopback has to be led to it.
    const port = endpoint.port === 0 && own && isWildcard(asked.ip) && protocol === "tcp"
      ? freePort(endpoint.ip)
      : endpoint.port;
    if (port === 0) return verdict;
    // A server on the pod's own address alone is not to be found on its loopback.
    const isOwn = anywhere && !isWildcard(asked.ip);
    if (!isOwn || !own) this.#bound.bound(protocol, port, anywhere ? "any" : "loopback");
    const at = { ip: endpoint.ip, port };
    if (anywhere) parts.onListen?.(pod(), at, protocol);
    return { answer: { endpoint: at } };
  }

  async #resolve(name: string): Promise<Verdict> {
    const { pod, place, parts } = this.#options;
    const newest = pod();
    const plain = name.replace(/\.$/, "").toLowerCase();
    const own = newest.spec?.hostname ?? newest.metadata?.name;
    if (plain === own) return { answer: { addresses: place.podIPs } };
    if (this.#hosts?.mayResolve(plain) === false) return refusal("acces", "allowed-hosts");
    try {
      const addresses = await parts.names.resolve(name, newest);
      this.#hosts?.learned(plain, addresses);
      return { answer: { addresses } };
    } catch (error) {
      if (!(error instanceof NameRefused)) throw error;
      return this.#refuseName("policy");
    }
  }

  /** A guest was not to look up a name, and was told so by the node's server for names. */
  refusedName(name: string, reason: "allowed-hosts" | "policy"): void {
    this.#note({ want: "resolve", name }, { verdict: this.#refuseName(reason), ms: 0 });
  }

  #refuseName(reason: "allowed-hosts" | "policy"): Verdict {
    const { pod, parts: { policy } } = this.#options;
    const verdict = refusal("acces", reason);
    if (reason !== "policy") return verdict;
    const nowhere = { peer: { ip: "0.0.0.0", port: 53 }, port: 53, protocol: "UDP" } as const;
    const { policies } = policy?.judge({ direction: "egress", pod: pod(), ...nowhere }) ?? FREE;
    return { ...verdict, policies };
  }

  #note(
    request: NetworkRequest,
    { verdict, ms }: { readonly verdict: Verdict; readonly ms: number },
  ): void {
    const { parts, pod } = this.#options;
    parts.onAsked?.({ want: request.want, reason: verdict.reason }, ms);
    const event = this.#refusals.eventOf(request, verdict);
    if (event !== undefined) parts.tell(pod(), event);
  }

  #view(): NetworkView {
    const { pod, place: { podIPs, loopback, own }, parts } = this.#options;
    const newest = pod();
    const [podIP = ""] = podIPs;
    const { services, policy } = parts;
    return {
      podIPs,
      loopback,
      kind: isOfNode(newest) ? "node" : own ? "own" : "shared",
      boundAt: (protocol, port) => this.#bound.at(protocol, port),
      isPod: (ip) => parts.isPod(ip),
      isNode: (ip) => parts.isNode(ip),
      // What has an address of loopback is on this machine only, whatever is routed elsewhere.
      isNear: (ip) => parts.isNear(ip) || (!isLoopback(podIP) && parts.isRouted?.(ip) === true),
      nameserver: (to, protocol) =>
        this.#mayAskServer(newest) ? parts.nameserver?.(to, protocol) : undefined,
      destination: (to, protocol) => services?.destination(to, protocol, { podIP }),
      mayReach: (to) => this.#hosts?.mayReach(to) ?? true,
      judge: (direction, { protocol, ...of }) =>
        policy?.judge({ direction, pod: newest, protocol: upper(protocol), ...of }) ?? FREE,
    };
  }

  /** What limits a pod's names can only hold where the server knows who asks. */
  #mayAskServer(newest: Pod): boolean {
    if (this.#isKnown) return true;
    const { policy } = this.#options.parts;
    const isFree = isOfNode(newest) || policy?.mayAskNames === undefined ||
      policy.mayAskNames(newest, { isWished: false }) === "allowed";
    return this.#hosts === undefined && isFree;
  }

  /** True if somebody can tell the pod by an address that it asks from. */
  get #isKnown(): boolean {
    const { pod, place: { loopback, own } } = this.#options;
    return loopback !== undefined || (own && !isOfNode(pod()));
  }

  #listeners(name: string): Endpoint[] {
    const { pod, place: { podIPs: [podIP = "0.0.0.0"], own } } = this.#options;
    const ip = own ? podIP : "0.0.0.0";
    return (containerOf(pod(), name)?.ports ?? []).flatMap(({ containerPort, protocol = "TCP" }) =>
      protocol === "TCP" ? [{ ip, port: containerPort }] : []
    );
  }
}

const FREE: PolicyWord = { verdict: "allowed", policies: [] };

/** True for a pod whose network is the node's. */
export function isOfNode(pod: Pod): boolean {
  return pod.spec?.hostNetwork === true;
}

function containerOf(pod: Pod, name: string): Pick<Container, "ports"> | undefined {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  return [...containers, ...initContainers, ...ephemeralContainers].find((one) =>
    one.name === name
  );
}

function upper(protocol: TransportProtocol): "TCP" | "UDP" {
  return protocol === "tcp" ? "TCP" : "UDP";
}
