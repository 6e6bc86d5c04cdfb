import { ERRNO } from "../errno.ts";
import type { Eventual } from "../host/host.ts";
import type { Protocol, SocketAddress } from "../host/socket.ts";
import { ADDRESSES_MAX, HOSTNAME_BYTES_MAX } from "../limits.ts";
import type { GuestMemory } from "../memory.ts";
import type {
  AddressDecision,
  AddressRequest,
  Network,
  Refused,
  Soon,
} from "../network/decision.ts";
import { type NameQuestion, resolveName } from "../network/names.ts";
import { Refusal } from "../refusal.ts";
import { ADDRESS_FAMILY } from "./sock_address.ts";
import type { Calls, GuestState } from "./state.ts";

/** `addrinfo` of WasmEdge: where its fields are. The guest has linked as many as it has room for. */
const INFO = {
  flags: 0,
  family: 2,
  type: 3,
  protocol: 4,
  addressBytes: 8,
  address: 12,
  nameBytes: 20,
  next: 24,
  bytes: 28,
} as const;
/** `sockaddr` of WasmEdge; its data is a port in network order and the bytes of the address. */
const SOCKADDR = { family: 0, dataBytes: 4, data: 8, bytes: 16 } as const;
/** What WasmEdge's own library writes as the length of data that is 26 bytes long. */
const DATA_BYTES_SAID = 14;
const DATA_BYTES_MEANT = 26;
const PORT_BYTES = 2;

const FLAG = { passive: 1, numericHost: 4 } as const;
const TYPES: readonly (readonly [type: number, Protocol, protocol: number])[] = [
  [2, "tcp", 1],
  [1, "udp", 2],
];

/** `sock_getaddrinfo` of WasmEdge's extension. */
export function sockNameCalls({ memory, network }: GuestState): Calls {
  return {
    sock_getaddrinfo(
      name: number,
      nameBytes: number,
      service: number,
      serviceBytes: number,
      hints: number,
      results: number,
      most: number,
      outCount: number,
    ): Eventual {
      memory.getU32(outCount);
      const first = memory.getU32(results);
      const question = {
        name: textOf(memory, name, nameBytes),
        service: textOf(memory, service, serviceBytes),
        hints: readHints(memory, hints),
      };
      if (most >>> 0 === 0) return ERRNO.aimemory;
      const count = Math.min(most >>> 0, ADDRESSES_MAX);
      const tell = (found: readonly Info[]): number => {
        const answers = found.slice(0, count);
        let at = first;
        for (const answer of answers) at = writeInfo(memory, at, answer);
        memory.setU32(outCount, answers.length);
        return 0;
      };
      const found = resolve(network, question);
      return found instanceof Promise ? found.then(tell) : tell(found);
    },
  };
}

/** Text of the guest, with or without a NUL at its end. */
function textOf(memory: GuestMemory, pointer: number, length: number): string {
  if (length >>> 0 > HOSTNAME_BYTES_MAX) throw new Refusal(ERRNO.ainoname);
  const text = String.fromCharCode(...memory.bytes(pointer, length));
  const [before] = text.split("\0");
  return before ?? "";
}

interface Hints {
  readonly flags: number;
  readonly family: number;
  readonly type: number;
}

function readHints(memory: GuestMemory, pointer: number): Hints {
  if (pointer === 0) return { flags: 0, family: 0, type: 0 };
  const at = memory.check(pointer, INFO.bytes);
  return {
    flags: memory.getU16(at + INFO.flags),
    family: memory.getU8(at + INFO.family),
    type: memory.getU8(at + INFO.type),
  };
}

interface Info {
  readonly ip: Uint8Array;
  readonly port: number;
  readonly type: number;
  readonly protocol: number;
}

function resolve(
  network: Network,
  { name, service, hints }: { name: string; service: string; hints: Hints },
): Soon<readonly Info[]> {
  if (hints.family > ADDRESS_FAMILY.ipv6) throw new Refusal(ERRNO.aifamily);
  const types = TYPES.filter(([type]) => hints.type === 0 || hints.type === type);
  const [wanted] = types;
  if (wanted === undefined) throw new Refusal(ERRNO.aisocktype);
  if (name === "" && service === "") throw new Refusal(ERRNO.ainoname);
  const question: NameQuestion = {
    name,
    service,
    passive: (hints.flags & FLAG.passive) !== 0,
    numeric: (hints.flags & FLAG.numericHost) !== 0,
    families: FAMILIES[hints.family]!,
  };
  const infosOf = (found: readonly SocketAddress[] | "service"): readonly Info[] => {
    if (found === "service") throw new Refusal(ERRNO.aiservice);
    if (found.length === 0) throw new Refusal(ERRNO.ainoname);
    return found.flatMap(({ ip, port }) =>
      types.map(([type, _, protocol]) => ({ ip, port, type, protocol }))
    );
  };
  const found = resolveName(
    question,
    (hostname, port) => lookUp(network, { protocol: wanted[1], address: { hostname, port } }),
  );
  return found instanceof Promise ? found.then(infosOf) : infosOf(found);
}

/** The addresses of a name that may be known. */
function lookUp(
  { allow, lookup }: Network,
  { protocol, address }: Pick<AddressRequest, "protocol" | "address">,
): Soon<readonly string[]> {
  const look = (decision: AddressDecision): Soon<readonly string[]> => {
    if (decision === false) throw new Refusal(ERRNO.acces);
    if (typeof decision === "object" && "refused" in decision) throw unresolved(decision);
    const found = lookup(address.hostname);
    return found instanceof Promise ? found.then(mustFind) : mustFind(found);
  };
  const decision = allow({ purpose: "resolve", protocol, address });
  return decision instanceof Promise ? decision.then(look) : look(decision);
}

function mustFind(found: readonly string[] | Refused): readonly string[] {
  if ("refused" in found) throw unresolved(found);
  return found;
}

/** Why a name has no addresses, in the terms of `getaddrinfo`. */
function unresolved({ refused }: Refused): Refusal {
  if (refused === "acces") return new Refusal(ERRNO.acces);
  return new Refusal(refused === "again" ? ERRNO.aiagain : ERRNO.aifail);
}

const FAMILIES: readonly NameQuestion["families"][] = [["ipv4", "ipv6"], ["ipv4"], ["ipv6"]];

/** Writes one answer into the list's element at `at`, and answers where the next one is. */
function writeInfo(memory: GuestMemory, at: number, info: Info): number {
  const start = memory.check(at, INFO.bytes);
  const address = memory.check(memory.getU32(start + INFO.address), SOCKADDR.bytes);
  const said = memory.getU32(address + SOCKADDR.dataBytes);
  const data = memory.getU32(address + SOCKADDR.data);
  const bytes = PORT_BYTES + info.ip.length;
  if ((said === DATA_BYTES_SAID ? DATA_BYTES_MEANT : said) < bytes) {
    throw new Refusal(ERRNO.aimemory);
  }
  const out = memory.bytes(data, bytes);
  out[0] = info.port >> 8;
  out[1] = info.port & 0xff;
  out.set(info.ip, PORT_BYTES);
  const family = info.ip.length === 4 ? ADDRESS_FAMILY.ipv4 : ADDRESS_FAMILY.ipv6;
  memory.setU8(address + SOCKADDR.family, family);
  memory.setU8(start + INFO.family, family);
  memory.setU8(start + INFO.type, info.type);
  memory.setU8(start + INFO.protocol, info.protocol);
  memory.setU32(start + INFO.addressBytes, SOCKADDR.bytes);
  memory.setU32(start + INFO.nameBytes, 0);
  return memory.getU32(start + INFO.next);
}
