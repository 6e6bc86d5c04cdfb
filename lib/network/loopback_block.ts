/**
 * Two ranges of `127.0.0.0/8` that this agent has for itself: for pods, and for their own `127.0.0.1`.
 *
 * @module
 */
import { claimAddress } from "./claim.ts";
import { type Cidr, formatIp, ipAt, parseCidr } from "./ip.ts";

/** Ranges that no other agent of this machine uses, until it is disposed of. */
export interface LoopbackBlock extends AsyncDisposable {
  /** Addresses of pods, where there are no others. */
  readonly pods: Cidr;
  /** Addresses that stand for each pod's own `127.0.0.1`. */
  readonly loopbacks: Cidr;
}

/** The second byte of the first block; two are a block, so that one machine has room for 32 agents. */
const FIRST = 64;
const LAST = 126;

/** The address of a range that no pod is given: where other networks have their gateway. */
export const CLAIM_INDEX = 1;

/**
 * Takes the block whose pods are in `preferred`, else any that is free. A text if there is none, which
 * says why: no system but Linux and Windows has more of `127.0.0.0/8` than `127.0.0.1`.
 */
export async function takeLoopbackBlock(preferred?: string): Promise<LoopbackBlock | string> {
  const seconds = Array.from({ length: (LAST - FIRST) / 2 + 1 }, (_, at) => FIRST + 2 * at);
  const wanted = seconds.find((second) => preferred === `127.${second}.0.0/16`);
  // Not the first that is free: that may be of an agent that is just being started again, and wants it back.
  const [chance = 0] = crypto.getRandomValues(new Uint8Array(1));
  const begin = wanted === undefined ? chance % seconds.length : seconds.indexOf(wanted);
  for (const second of [...seconds.slice(begin), ...seconds.slice(0, begin)]) {
    const [pods, loopbacks] = [blockRange(second), blockRange(second + 1)];
    const claim = await claimAddress(formatIp(ipAt(pods, CLAIM_INDEX)));
    if (claim.kind === "impossible") {
      return `this machine has no addresses in 127.0.0.0/8 but 127.0.0.1 (${claim.why})`;
    }
    if (claim.kind === "held") {
      return { pods, loopbacks, [Symbol.asyncDispose]: () => claim.held[Symbol.asyncDispose]() };
    }
  }
  return `all ${seconds.length} ranges from 127.${FIRST}.0.0/16 to 127.${LAST}.0.0/16 are in use`;
}

/** True for an address of a block, whichever agent of this machine has it or will. */
export function isOfBlock(ip: Uint8Array): boolean {
  return ip.length === 4 && ip[0] === 127 && ip[1]! >= FIRST && ip[1]! <= LAST + 1;
}

function blockRange(second: number): Cidr {
  return parseCidr(`127.${second}.0.0/16`)!;
}
