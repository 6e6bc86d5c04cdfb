/**
 * Addresses as WasmEdge's socket extension has them: a pointer and a length. 4 and 16 bytes are a bare
 * IP address; 128 bytes begin with 16 bits of the family, and the IP address follows.
 *
 * @module
 */
import { ERRNO } from "../errno.ts";
import type { Family, SocketAddress } from "../host/socket.ts";
import type { GuestMemory } from "../memory.ts";
import { type IpAddress, unmapIp } from "../network/ip.ts";
import { Refusal } from "../refusal.ts";

/** `address_family`. */
export const ADDRESS_FAMILY = { unspecified: 0, ipv4: 1, ipv6: 2 } as const;

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const LONG_BYTES = 128;
const FAMILY_BYTES = 2;
const PORT_MAX = 65_535;

/** Reads an address for a socket of this family; refused with `afnosupport` if it has no such. */
export function readAddress(
  memory: GuestMemory,
  pointer: number,
  { port, family }: { port: number; family: Family },
): SocketAddress {
  const buffer = memory.getU32(pointer);
  const length = memory.getU32((pointer >>> 0) + 4);
  if (port >>> 0 > PORT_MAX) throw new Refusal(ERRNO.inval);
  const ip = unmapIp(readIp(memory, buffer, length));
  if (family === "ipv4" && ip.length !== IPV4_BYTES) throw new Refusal(ERRNO.afnosupport);
  return { ip, port: port >>> 0 };
}

function readIp(memory: GuestMemory, buffer: number, length: number): IpAddress {
  if (length === IPV4_BYTES || length === IPV6_BYTES) return copy(memory, buffer, length);
  if (length !== LONG_BYTES) throw new Refusal(ERRNO.inval);
  memory.check(buffer, LONG_BYTES);
  const family = memory.getU16(buffer);
  if (family === ADDRESS_FAMILY.ipv4) return copy(memory, buffer + FAMILY_BYTES, IPV4_BYTES);
  if (family === ADDRESS_FAMILY.ipv6) return copy(memory, buffer + FAMILY_BYTES, IPV6_BYTES);
  throw new Refusal(ERRNO.afnosupport);
}

/** A copy: another thread may not change an address between the decision about it and its use. */
function copy(memory: GuestMemory, buffer: number, length: number): IpAddress {
  return new Uint8Array(memory.bytes(buffer, length));
}

/** A place in the guest's memory that an address can be written to; checked before it is needed. */
export class AddressBuffer {
  readonly #memory: GuestMemory;
  readonly #start: number;
  readonly #length: number;

  /** Refused with `inval` if an address of this family has no room. */
  constructor(memory: GuestMemory, pointer: number, family: Family) {
    this.#memory = memory;
    this.#start = memory.getU32(pointer);
    this.#length = memory.getU32((pointer >>> 0) + 4);
    const known = [IPV4_BYTES, IPV6_BYTES, LONG_BYTES].includes(this.#length);
    const bytes = family === "ipv4" ? IPV4_BYTES : IPV6_BYTES;
    if (!known || this.#length < bytes) throw new Refusal(ERRNO.inval);
    memory.check(this.#start, this.#length);
  }

  /** Writes an address of the family, in the form that the buffer's length says. */
  write({ ip }: SocketAddress): void {
    const long = this.#length === LONG_BYTES;
    const out = this.#memory.bytes(this.#start, this.#length).fill(0);
    if (!long) {
      out.set(ip);
      return;
    }
    this.#memory.setU16(
      this.#start,
      ip.length === IPV4_BYTES ? ADDRESS_FAMILY.ipv4 : ADDRESS_FAMILY.ipv6,
    );
    out.set(ip, FAMILY_BYTES);
  }
}
