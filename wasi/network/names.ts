import type { Family, SocketAddress } from "../host/socket.ts";
import type { Soon } from "./decision.ts";
import { type IpAddress, parseIp } from "./ip.ts";

/** What is asked of a resolver. */
export interface NameQuestion {
  /** Empty: this machine itself. */
  readonly name: string;
  /** A port as digits, or a name; empty: 0. */
  readonly service: string;
  /** Without a name: an address to bind. */
  readonly passive: boolean;
  /** The name must be an IP address. */
  readonly numeric: boolean;
  /** The families to answer with. */
  readonly families: readonly Family[];
}

/** Ports of services that have a name everywhere. */
const PORTS: Readonly<Record<string, number>> = { domain: 53, http: 80, https: 443 };
const LOOPBACK = ["127.0.0.1", "::1"];
const WILDCARD = ["0.0.0.0", "::"];
const PORT_MAX = 65_535;

/**
 * The addresses of a name, IPv4 first; `"service"` if there is no such service. Addresses and
 * `localhost` (RFC 6761 §6.3) are answered from here, any other name is looked up.
 *
 * Throws `TypeError` if the look-up answers what is no IP address.
 */
export function resolveName(
  { name, service, passive, numeric, families }: NameQuestion,
  lookup: (name: string, port: number) => Soon<readonly string[]>,
): Soon<readonly SocketAddress[] | "service"> {
  const port = portOf(service);
  if (port === undefined) return "service";
  const texts = knownAddresses(name, passive) ?? (numeric ? [] : lookup(name, port));
  const told = { families, port };
  return texts instanceof Promise ? texts.then((it) => tell(it, told)) : tell(texts, told);
}

function tell(
  texts: readonly string[],
  { families, port }: { readonly families: readonly Family[]; readonly port: number },
): readonly SocketAddress[] {
  const ips = texts.map(mustParse);
  return families.flatMap((family) =>
    ips.filter((ip) => ip.length === (family === "ipv4" ? 4 : 16)).map((ip) => ({ ip, port }))
  );
}

/** Addresses by name, from a text in the form of `/etc/hosts` (hosts(5)). */
export function hostsAddresses(hosts: string, name: string): readonly string[] {
  const wanted = name.toLowerCase().replace(/\.$/, "");
  return hosts.split("\n").flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const found = names.some((known) => known.toLowerCase() === wanted);
    return found && address !== undefined && parseIp(address) !== undefined ? [address] : [];
  });
}

function portOf(service: string): number | undefined {
  if (service === "") return 0;
  if (!/^\d{1,5}$/.test(service)) return Object.hasOwn(PORTS, service) ? PORTS[service] : undefined;
  const port = Number(service);
  return port <= PORT_MAX ? port : undefined;
}

function knownAddresses(name: string, passive: boolean): readonly string[] | undefined {
  if (name === "") return passive ? WILDCARD : LOOPBACK;
  if (/^(.*\.)?localhost\.?$/i.test(name)) return LOOPBACK;
  return parseIp(name) === undefined ? undefined : [name];
}

function mustParse(text: string): IpAddress {
  const ip = parseIp(text);
  if (ip === undefined) throw new TypeError(`Cannot use address "${text}": it is no IP address`);
  return ip;
}
