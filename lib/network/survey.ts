/**
 * What this machine could give pods for addresses: it is looked at, and nothing is changed.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import type { GroundWish } from "./ground.ts";
import { formatCidr, formatIp, ipAt, parseCidr } from "./ip.ts";
import { LocalRoutes, routeCommand } from "./local_routes.ts";
import { CLAIM_INDEX } from "./loopback_block.ts";
import { rangeFault, takenRanges } from "./pod_ranges.ts";

/** What there would be. */
export interface GroundSurvey {
  /** Ranges that are routed here, or that the program may route. */
  readonly ranges: readonly string[];
  /** Why not the others: sentences without a full stop. */
  readonly noRanges: readonly string[];
  /** Why pods could have no addresses in `127.0.0.0/8`; undefined if they could. */
  readonly noLoopback: string | undefined;
}

/** Bit of `CAP_NET_ADMIN` in the sets of capabilities (capabilities(7)). */
const CAP_NET_ADMIN = 12n;
/** One of those that pods would have. */
const LOOPBACK_TRIED = "127.64.0.2";

/** Looks at ranges, routes, rights and loopback addresses. */
export function surveyGround(
  { podCidrs, hostIPs }: Pick<GroundWish, "podCidrs" | "hostIPs">,
): GroundSurvey {
  const taken = takenRanges(hostIPs);
  const ranges: string[] = [];
  const noRanges: string[] = [];
  for (const text of podCidrs) {
    const cidr = parseCidr(text);
    const fault = cidr === undefined
      ? `"${text}" is no range of addresses`
      : rangeFault(cidr, taken) ?? routeFault(cidr);
    if (fault === undefined) ranges.push(text);
    else noRanges.push(fault);
  }
  return { ranges, noRanges, noLoopback: loopbackFault() };
}

function routeFault(cidr: NonNullable<ReturnType<typeof parseCidr>>): string | undefined {
  try {
    using routes = new LocalRoutes();
    if (routes.isLocal(ipAt(cidr, CLAIM_INDEX)) || mayMakeRoutes()) return undefined;
    return `${
      formatCidr(cidr)
    } is not routed to this machine, and the right to do so (NET_ADMIN) is missing; \
as root, once: ${routeCommand(cidr)}`;
  } catch (error) {
    return `${formatIp(cidr.ip)}/${cidr.bits} cannot be routed to this machine: ${
      messageOf(error)
    }`;
  }
}

function mayMakeRoutes(): boolean {
  const status = Deno.readTextFileSync("/proc/self/status");
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${effective}`) >> CAP_NET_ADMIN & 1n) === 1n;
}

function loopbackFault(): string | undefined {
  try {
    using _listener = Deno.listen({ hostname: LOOPBACK_TRIED, port: 0 });
    return undefined;
  } catch (error) {
    return `${LOOPBACK_TRIED} cannot be bound: ${messageOf(error)}`;
  }
}
