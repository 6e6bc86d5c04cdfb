import type { Protocol } from "../host/socket.ts";
import type { AddressDecision, AddressRequest, AllowAddress } from "./decision.ts";
import { type IpAddress, parseIp, unmapIp } from "./ip.ts";

/** Allows some addresses. It is data: it can be written down, and handed to another process. */
export interface AddressRule {
  /**
   * What the address may be used for.
   *
   * @default {anything}
   */
  readonly purpose?: AddressRequest["purpose"];
  /**
   * Over what.
   *
   * @default {either}
   */
  readonly protocol?: Protocol;
  /**
   * An address, or a block of them as `10.0.0.0/8`. It fits no name that is to be resolved.
   *
   * @default {any address, and any name}
   */
  readonly block?: string;
  /**
   * The port.
   *
   * @default {any}
   */
  readonly port?: number;
  /**
   * The address to use in place of the one that was asked for, with the port that was asked for.
   *
   * @default {the one that was asked for}
   */
  readonly to?: string;
  /**
   * The address to `connect` or `send` from.
   *
   * @default {the system chooses}
   */
  readonly source?: string;
}

/**
 * A decision by rules: the first that fits says where it goes; what none of them fits is refused.
 *
 * Throws `TypeError` for a rule whose block is none.
 */
export function allowByRules(rules: readonly AddressRule[]): AllowAddress {
  const fits = rules.map((rule) => {
    const block = rule.block === undefined ? undefined : parseBlock(rule.block);
    return (request: AddressRequest): boolean =>
      (rule.purpose ?? request.purpose) === request.purpose &&
      (rule.protocol ?? request.protocol) === request.protocol &&
      (rule.port ?? request.address.port) === request.address.port &&
      (block === undefined || isInside(request.address.hostname, block));
  });
  return (request) => {
    const rule = rules[fits.findIndex((fit) => fit(request))];
    return rule !== undefined && decisionOf(rule, request);
  };
}

function decisionOf({ to, source }: AddressRule, { address }: AddressRequest): AddressDecision {
  return {
    ...(to === undefined ? {} : { address: { hostname: to, port: address.port } }),
    ...(source === undefined ? {} : { source: { hostname: source, port: 0 } }),
  };
}

interface Block {
  readonly ip: IpAddress;
  readonly bits: number;
}

function parseBlock(text: string): Block {
  const [address = "", prefix, ...more] = text.split("/");
  const ip = parseIp(address);
  const bits = prefix === undefined ? (ip?.length ?? 0) * 8 : Number(prefix);
  const known = prefix === undefined || /^\d{1,3}$/.test(prefix);
  if (ip !== undefined && known && more.length === 0 && bits <= ip.length * 8) return { ip, bits };
  throw new TypeError(`Cannot allow "${text}": it is neither an IP address nor a block of them`);
}

function isInside(hostname: string, { ip, bits }: Block): boolean {
  const parsed = parseIp(hostname);
  if (parsed === undefined) return false;
  const address = unmapIp(parsed);
  if (address.length !== ip.length) return false;
  return ip.every((byte, index) => {
    const mask = (0xff << (8 - Math.min(Math.max(bits - 8 * index, 0), 8))) & 0xff;
    return (byte & mask) === (address[index]! & mask);
  });
}
