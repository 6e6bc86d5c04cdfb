import { formatIp, mapIp, parseIp, unmapIp } from "../../network/ip.ts";
import type { Family, SocketAddress } from "../socket.ts";

/** An address as Deno and Node write it. */
export interface TextAddress {
  readonly hostname: string;
  readonly port: number;
}

/** No address in particular, and no port. */
export function unspecified(family: Family): SocketAddress {
  return { ip: new Uint8Array(family === "ipv4" ? 4 : 16), port: 0 };
}

/** True for an address that leaves everything to the system. */
export function isUnspecified({ ip, port }: SocketAddress): boolean {
  return port === 0 && ip.every((byte) => byte === 0);
}

/** Whether a socket of this family can have such an address. */
export function belongs({ ip }: SocketAddress, family: Family): boolean {
  return ip.length === (family === "ipv4" ? 4 : 16);
}

/** An address to hand to Deno or Node. */
export function textOf({ ip, port }: SocketAddress): TextAddress {
  return { hostname: formatIp(ip), port };
}

/** What Deno or Node told, as a socket of this family has it: IPv4 on an IPv6 socket is mapped. */
export function addressOf({ hostname, port }: TextAddress, family: Family): SocketAddress {
  const [text] = hostname.split("%"); // a zone is no part of the address
  const ip = parseIp(text!);
  if (ip === undefined) {
    throw new TypeError(`Cannot read address "${hostname}": it is no IP address`);
  }
  return { ip: family === "ipv4" ? unmapIp(ip) : mapIp(ip), port };
}

/** Whether the process itself may use an address. Deno checks that too, but Node does not tell. */
export function isPermitted({ hostname, port }: TextAddress): boolean {
  const host = `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  return Deno.permissions.querySync({ name: "net", host }).state === "granted";
}
