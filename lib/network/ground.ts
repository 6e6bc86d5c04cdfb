/**
 * What this machine can give pods for addresses, and which of it they are given.
 *
 * @module
 */
import { KubeletError, messageOf } from "../errors.ts";
import { claimAddress } from "./claim.ts";
import { type Cidr, cidrSize, formatCidr, formatIp, ipAt, parseCidr } from "./ip.ts";
import { rangeFault, takenRanges } from "./pod_ranges.ts";
import { LocalRoutes, routeCommand, RouteError } from "./local_routes.ts";
import { CLAIM_INDEX, type LoopbackBlock, takeLoopbackBlock } from "./loopback_block.ts";

/**
 * Where pods have their addresses:
 * - `anyip`: in the node's range of the cluster, which Linux routes to this machine as a whole;
 * - `loopback`: in a range of `127.0.0.0/8`: one for each pod, on this machine only;
 * - `host`: they share the node's.
 */
export type PodNetworkMode = "anyip" | "loopback" | "host";

/** What is wished for; `auto` takes the best that works. */
export type PodNetworkWish = PodNetworkMode | "auto";

/** What pods stand on, until it is disposed of. Routes stay. */
export interface Ground extends AsyncDisposable {
  readonly mode: PodNetworkMode;
  /** Ranges of pods' addresses, at most one of each family, the first family first; none in `host`. */
  readonly ranges: readonly Cidr[];
  /** Range of the addresses that stand for pods' own `127.0.0.1`. @default {the machine has none} */
  readonly loopbacks: Cidr | undefined;
  /** Names the block of loopback addresses that they are of. */
  readonly block: string | undefined;
  /** Why it is nothing better, and what is less than it was asked for: sentences without a full stop. */
  readonly why: readonly string[];
}

/** What a ground is chosen by. */
export interface GroundWish {
  readonly wanted: PodNetworkWish;
  /** The node's ranges in the cluster, as text. */
  readonly podCidrs: readonly string[];
  /** The node's own addresses: no range of pods may hold one. */
  readonly hostIPs: readonly string[];
  /** The block of loopback addresses that was used before, as {@linkcode Ground.block}. @default {none was} */
  readonly block?: string | undefined;
}

/**
 * Takes the ground that is wished for, or the best for `auto`.
 *
 * @throws {KubeletError} `invalid` if this machine does not have what was asked for.
 */
export async function takeGround(wish: GroundWish): Promise<Ground> {
  await using parts = new AsyncDisposableStack();
  const block = await takeLoopbackBlock(wish.block);
  if (typeof block !== "string") parts.use(block);
  const anyip = wish.wanted === "anyip" || wish.wanted === "auto"
    ? await takeRanges(wish, parts)
    : { ranges: [], why: [] };
  const choice = chooseMode(wish.wanted, { anyip, block });
  const held = parts.move();
  return {
    ...choice,
    ...typeof block === "string"
      ? { block: undefined, loopbacks: undefined }
      : { block: formatCidr(block.pods), loopbacks: block.loopbacks },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** What there is to choose from. */
export interface GroundFacts {
  /** The ranges that can be had, and why not the others. */
  readonly anyip: { readonly ranges: readonly Cidr[]; readonly why: readonly string[] };
  /** A block of loopback addresses, or why there is none. */
  readonly block: Pick<LoopbackBlock, "pods"> | string;
}

/**
 * Chooses among what there is.
 *
 * @throws {KubeletError} `invalid` if what is wanted is not there.
 */
export function chooseMode(
  wanted: PodNetworkWish,
  { anyip, block }: GroundFacts,
): Pick<Ground, "mode" | "ranges" | "why"> {
  const noLoopback = typeof block === "string" ? [block] : [];
  if (wanted === "host") return { mode: "host", ranges: [], why: noLoopback };
  if (wanted !== "loopback" && anyip.ranges.length > 0) {
    return { mode: "anyip", ranges: anyip.ranges, why: [...anyip.why, ...noLoopback] };
  }
  if (wanted === "anyip") throw impossible(wanted, anyip.why);
  if (typeof block !== "string") return { mode: "loopback", ranges: [block.pods], why: anyip.why };
  if (wanted === "loopback") throw impossible(wanted, noLoopback);
  return { mode: "host", ranges: [], why: [...anyip.why, ...noLoopback] };
}

function impossible(wanted: PodNetworkMode, why: readonly string[]): KubeletError {
  return new KubeletError(
    "invalid",
    `Cannot have the pod network "${wanted}": ${why.join("; ")}; or give --pod-network auto, which \
takes the best that works`,
  );
}

/** Makes and claims the node's ranges. */
async function takeRanges(
  { podCidrs, hostIPs }: GroundWish,
  parts: AsyncDisposableStack,
): Promise<GroundFacts["anyip"]> {
  if (podCidrs.length === 0) {
    return {
      ranges: [],
      why: [
        "the node has no range for pods: the \
cluster gave it no spec.podCIDR, and --pod-cidr is not given",
      ],
    };
  }
  const ranges: Cidr[] = [];
  const why: string[] = [];
  const taken = takenRanges(hostIPs);
  for (const text of podCidrs) {
    const cidr = parseCidr(text);
    const second = ranges.some(({ ip }) => ip.length === cidr?.ip.length);
    if (cidr === undefined) why.push(`"${text}" is no range of addresses`);
    else if (second) why.push(`range ${text} is the second of its family`);
    else {
      const fault = rangeFault(cidr, taken) ?? await takeRange(cidr, parts);
      if (fault === undefined) ranges.push(cidr);
      else why.push(fault);
    }
  }
  return { ranges, why };
}

async function takeRange(cidr: Cidr, parts: AsyncDisposableStack): Promise<string | undefined> {
  try {
    using routes = new LocalRoutes();
    ensureRoute(cidr, routes);
  } catch (error) {
    const forbidden = error instanceof RouteError && error.forbidden;
    const advice = `; as root, once: ${routeCommand(cidr)}`;
    return `range ${formatCidr(cidr)} is not routed to this machine, and that cannot be changed: \
${messageOf(error)}${forbidden ? advice : ""}`;
  }
  const claim = await claimAddress(formatIp(ipAt(cidr, CLAIM_INDEX)));
  if (claim.kind === "held") {
    parts.use(claim.held);
    return undefined;
  }
  return claim.kind === "taken"
    ? `range ${formatCidr(cidr)} is in use by another agent of this machine`
    : `range ${formatCidr(cidr)} is routed to this machine, but cannot be used: ${claim.why}`;
}

/**
 * Makes sure that all addresses of a range are this machine's own; true if something had to be done.
 *
 * @throws {RouteError} If the kernel refuses.
 */
export function ensureRoute(cidr: Cidr, routes: Pick<LocalRoutes, "isLocal" | "add">): boolean {
  if (ends(cidr).every((ip) => routes.isLocal(ip))) return false;
  routes.add(cidr);
  if (ends(cidr).every((ip) => routes.isLocal(ip))) return true;
  const message = `Cannot use range "${
    formatCidr(cidr)
  }": it has a route, but its addresses go elsewhere`;
  throw new RouteError(message, { forbidden: false });
}

/** Its first and its last address, as far as that can be counted: a route to a part of it does not hold both. */
function ends(cidr: Cidr): Uint8Array[] {
  const last = Math.min(cidrSize(cidr), Number.MAX_SAFE_INTEGER) - 1;
  return [ipAt(cidr, CLAIM_INDEX), ipAt(cidr, last)];
}
