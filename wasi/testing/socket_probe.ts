/**
 * A guest with sockets, played by the test. For tests only.
 *
 * @module
 */
import type { System } from "../host/host.ts";
import { openSuspendingHost } from "../host/open.ts";
import { formatIp, parseIp } from "../network/ip.ts";
import type { AddressDecision, NetworkAddress, Refused } from "../network/decision.ts";
import { turn } from "../guest/turn.ts";
import type { WasiOptions } from "../options.ts";
import { FREE, HOSTS, Probe } from "./probe.ts";

/** Where the structures of the socket calls lie in the probe's memory. */
const IOVEC = FREE + 16_384;
const ADDRESS = IOVEC + 64;
const SOCKADDR = ADDRESS + 16;
const RESULT = SOCKADDR + 256;
const DATA = RESULT + 256;

/** What was received. */
export interface Received {
  readonly text: string;
  readonly truncated: boolean;
  readonly from?: NetworkAddress;
}

const FAMILIES: Readonly<Record<string, number>> = { ipv4: 1, ipv6: 2 };
const TYPES: Readonly<Record<string, number>> = { udp: 1, tcp: 2 };

/** Hosts on which every decision and every look-up takes its time. */
const SLOW = new WeakSet<System>();

/** As a probe: errors come back as names. Every call may have to be awaited. */
export class SocketProbe extends Probe {
  constructor(host: System, options: WasiOptions = {}) {
    const suspends = host.kind === "portable";
    super(host, SLOW.has(host) ? slowly(options) : options, { suspends });
  }

  async socket(family: "ipv4" | "ipv6", protocol: "tcp" | "udp"): Promise<number | string> {
    return this.#result(
      await this.callLong("sock_open", FAMILIES[family]!, TYPES[protocol]!, RESULT),
    );
  }

  /** As {@linkcode socket}, which must be had. */
  async mustSocket(family: "ipv4" | "ipv6", protocol: "tcp" | "udp"): Promise<number> {
    const opened = await this.socket(family, protocol);
    if (typeof opened === "number") return opened;
    throw new Error(`Cannot open socket: ${opened}`);
  }

  /** A stream that listens on any port of this machine's own, and that port. */
  async mustListen(hostname = "127.0.0.1"): Promise<{ fd: number; port: number }> {
    const fd = await this.mustSocket(hostname.includes(":") ? "ipv6" : "ipv4", "tcp");
    const failed = [
      await this.bind(fd, { hostname, port: 0 }),
      await this.callLong("sock_listen", fd, 16),
    ];
    const local = await this.local(fd);
    if (typeof local !== "string") return { fd, port: local.port };
    throw new Error(`Cannot listen: ${[...failed, local]}`);
  }

  bind(fd: number, address: NetworkAddress): Promise<string> {
    return this.callLong("sock_bind", fd, this.#address(address), address.port);
  }

  connect(fd: number, address: NetworkAddress): Promise<string> {
    return this.callLong("sock_connect", fd, this.#address(address), address.port);
  }

  async accept(fd: number, flags = 0): Promise<number | string> {
    return this.#result(await this.callLong("sock_accept", fd, flags, RESULT));
  }

  async local(fd: number): Promise<NetworkAddress | string> {
    return this.#told(await this.callLong("sock_getlocaladdr", fd, this.#room(), RESULT));
  }

  async peer(fd: number): Promise<NetworkAddress | string> {
    return this.#told(await this.callLong("sock_getpeeraddr", fd, this.#room(), RESULT));
  }

  async send(fd: number, text: string): Promise<number | string> {
    return this.#result(await this.callLong("sock_send", fd, this.#data(text), 2, 0, RESULT));
  }

  async sendTo(fd: number, text: string, to: NetworkAddress): Promise<number | string> {
    const [data, address] = [this.#data(text), this.#address(to)];
    return this.#result(
      await this.callLong("sock_send_to", fd, data, 2, address, to.port, 0, RESULT),
    );
  }

  async receive(fd: number, bytes: number, flags = 0): Promise<Received | string> {
    const failed = await this.callLong(
      "sock_recv",
      fd,
      this.#data(bytes),
      2,
      flags,
      RESULT,
      RESULT + 4,
    );
    return failed === "success" ? this.#received() : failed;
  }

  async receiveFrom(fd: number, bytes: number): Promise<Received | string> {
    const [data, room] = [this.#data(bytes), this.#room()];
    const out = [RESULT + 8, RESULT, RESULT + 4];
    const failed = await this.callLong("sock_recv_from", fd, data, 2, room, 0, ...out);
    if (failed !== "success") return failed;
    return { ...this.#received(), from: this.#readAddress(RESULT + 8) };
  }

  /** The value of an option, or why not. */
  async option(fd: number, level: number, name: number): Promise<number | string> {
    return this.#result(await this.callLong("sock_getsockopt", fd, level, name, RESULT, 4));
  }

  setOption(fd: number, level: number, name: number, value: number): Promise<string> {
    this.view.setInt32(RESULT, value, true);
    return this.callLong("sock_setsockopt", fd, level, name, RESULT, 4);
  }

  /** Writes an address with its family in front, and answers where. */
  #address({ hostname }: NetworkAddress): number {
    const ip = parseIp(hostname)!;
    this.#room();
    this.view.setUint16(SOCKADDR, ip.length === 4 ? FAMILIES.ipv4! : FAMILIES.ipv6!, true);
    this.bytes.set(ip, SOCKADDR + 2);
    return ADDRESS;
  }

  /** Room for an address. */
  #room(): number {
    this.bytes.fill(0, SOCKADDR, SOCKADDR + 128);
    this.view.setUint32(ADDRESS, SOCKADDR, true);
    this.view.setUint32(ADDRESS + 4, 128, true);
    return ADDRESS;
  }

  /** Two buffers: with a text, or for so many bytes. */
  #data(data: string | number): number {
    const length = typeof data === "string" ? this.put(data, DATA) : data;
    const half = length >> 1;
    for (const [index, [at, bytes]] of [[DATA, half], [DATA + half, length - half]].entries()) {
      this.view.setUint32(IOVEC + 8 * index, at!, true);
      this.view.setUint32(IOVEC + 8 * index + 4, bytes!, true);
    }
    return IOVEC;
  }

  #result(failed: string): number | string {
    return failed === "success" ? this.view.getUint32(RESULT, true) : failed;
  }

  #received(): Received {
    const bytes = this.view.getUint32(RESULT, true);
    const truncated = (this.view.getUint16(RESULT + 4, true) & 1) !== 0;
    return { text: this.get(DATA, bytes), truncated };
  }

  #told(failed: string): NetworkAddress | string {
    return failed === "success" ? this.#readAddress(RESULT) : failed;
  }

  #readAddress(portAt: number): NetworkAddress {
    const short = this.view.getUint16(SOCKADDR, true) === FAMILIES.ipv4;
    const ip = this.bytes.slice(SOCKADDR + 2, SOCKADDR + 2 + (short ? 4 : 16));
    return { hostname: formatIp(ip), port: this.view.getUint32(portAt, true) };
  }
}

/** The same decisions, later. */
function slowly({ allowAddress, lookup, ...others }: WasiOptions): WasiOptions {
  return {
    ...others,
    ...(allowAddress === undefined ? {} : {
      async allowAddress(request): Promise<AddressDecision> {
        await turn();
        return await allowAddress(request);
      },
    }),
    ...(lookup === undefined ? {} : {
      async lookup(name): Promise<readonly string[] | Refused> {
        await turn();
        return await lookup(name);
      },
    }),
  };
}

/** Everything may be reached. */
export const ALLOW_ALL: WasiOptions = { allowAddress: () => true };

/** Runs one test over every host that has sockets, with a probe that may reach everything. */
export function testSocketHosts(
  name: string,
  run: (probe: SocketProbe, host: System) => Promise<void>,
  options: WasiOptions = ALLOW_ALL,
): void {
  for (const [kind, shared] of HOSTS) {
    if (kind === "libc") {
      Deno.test(`${name} (libc)`, async () => {
        using probe = new SocketProbe(shared, options);
        await run(probe, shared);
      });
    }
    if (kind !== "portable") continue; // the others differ in files only
    for (const slow of [false, true]) {
      Deno.test(`${name} (portable${slow ? ", decisions take their time" : ""})`, async () => {
        const host = await openSuspendingHost();
        if (slow) SLOW.add(host);
        try {
          using probe = new SocketProbe(host, options);
          await run(probe, host);
        } finally {
          await host.finish();
        }
      });
    }
  }
}

/** Reads so many bytes from a connection of the test's own. */
export async function readText(connection: Deno.Conn, bytes: number): Promise<string> {
  const buffer = new Uint8Array(bytes);
  let done = 0;
  while (done < bytes) {
    const count = await connection.read(buffer.subarray(done));
    if (count === null) break;
    done += count;
  }
  return new TextDecoder().decode(buffer.subarray(0, done));
}

/** Writes a text to a connection of the test's own. */
export async function writeText(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += await connection.write(bytes.subarray(done));
}
