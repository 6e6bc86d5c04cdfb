/**
 * Local routes of Linux: they make every address of a range one of this machine's own.
 *
 * rtnetlink(7) by the C library. A `local` route to the loopback interface needs no link, no bridge and
 * no address for each pod: whatever is bound in its range is reachable from the whole machine, and from
 * others that send the range here.
 *
 * @module
 */
import { type Cidr, formatCidr, formatIp } from "./ip.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Numbers of `linux/netlink.h`, `linux/rtnetlink.h` and `bits/socket.h`. */
const AF = { inet: 2, inet6: 10, netlink: 16 } as const;
const SOCK_RAW_CLOEXEC = 0o2000003;
const NETLINK_ROUTE = 0;
const MSG_DONTWAIT = 0x40;
const NLMSG_ERROR = 2;
const RTM = { newRoute: 24, getRoute: 26 } as const;
/** REQUEST; and with ACK, EXCL and CREATE. */
const FLAGS = { ask: 0x1, create: 0x1 | 0x4 | 0x200 | 0x400 } as const;
const RTN_LOCAL = 2;
const RT_TABLE_LOCAL = 255;
/** `RTPROT_STATIC`: made by an administrator, so that no routing daemon takes it away. */
const RTPROT_STATIC = 4;
const RT_SCOPE_HOST = 254;
const RTA = { destination: 1, interface: 4 } as const;
/** The loopback interface is the first of each network namespace. */
const LOOPBACK_INDEX = 1;
/** `nlmsghdr`, `rtmsg` and the head of an attribute. */
const BYTES = { header: 16, route: 12, attribute: 4 } as const;
/** Room for one answer: the kernel's are a few hundred bytes. */
const ANSWER_BYTES_MAX = 8_192;
const EPERM = 1;
const EEXIST = 17;

/** A route could not be made. */
export class RouteError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "RouteError";
  /** True if only the right to do so is missing (`CAP_NET_ADMIN`). */
  readonly forbidden: boolean;

  constructor(message: string, options: { readonly forbidden: boolean }) {
    super(message);
    this.forbidden = options.forbidden;
  }
}

/** Asks the kernel's tables of routes, and adds to them. Each question is answered at once. */
export class LocalRoutes implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;

  /** Throws where there is no Linux, or where the program may not call the C library. */
  constructor() {
    if (Deno.build.os !== "linux") throw new Error("Cannot make local routes: this is not Linux");
    this.#library = Deno.dlopen("libc.so.6", SYMBOLS);
  }

  /** True if this machine takes what is sent to an address for itself, so that programs can bind it. */
  isLocal(ip: Uint8Array): boolean {
    const answer = this.#ask(routeMessage(RTM.getRoute, { ip, bits: ip.length * 8 }));
    return answer.getUint16(4, true) === RTM.newRoute &&
      answer.getUint8(BYTES.header + 7) === RTN_LOCAL;
  }

  /**
   * Makes all addresses of a range this machine's own, until it starts anew; one that is so already is fine.
   *
   * @throws {RouteError} If the kernel refuses.
   */
  add(cidr: Cidr): void {
    const answer = this.#ask(routeMessage(RTM.newRoute, cidr));
    const code = answer.getUint16(4, true) === NLMSG_ERROR
      ? -answer.getInt32(BYTES.header, true)
      : -1;
    if (code === 0 || code === EEXIST) return;
    const why = code === EPERM ? "the right to do so (NET_ADMIN) is missing" : `error ${code}`;
    throw new RouteError(`Cannot add route "local ${formatCidr(cidr)} dev lo": ${why}`, {
      forbidden: code === EPERM,
    });
  }

  /** Lets go of the C library. */
  [Symbol.dispose](): void {
    this.#library.close();
  }

  #ask(message: Uint8Array<ArrayBuffer>): DataView {
    const { socket, send, recv, close } = this.#library.symbols;
    const descriptor = socket(AF.netlink, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
    if (descriptor < 0) {
      throw new Error("Cannot ask for routes: the kernel gives no netlink socket");
    }
    try {
      const answer = new Uint8Array(ANSWER_BYTES_MAX);
      send(descriptor, message, BigInt(message.length), 0);
      // The kernel has answered when `send` returns.
      const length = Number(recv(descriptor, answer, BigInt(answer.length), MSG_DONTWAIT));
      if (length < BYTES.header + BYTES.attribute) {
        throw new Error("Cannot ask for routes: the kernel does not answer");
      }
      return new DataView(answer.buffer, 0, length);
    } finally {
      close(descriptor);
    }
  }
}

/** What an administrator types who has the right that we lack. */
export function routeCommand(cidr: Cidr): string {
  const family = formatIp(cidr.ip).includes(":") ? "ip -6" : "ip";
  return `${family} route add local ${formatCidr(cidr)} dev lo`;
}

/** A question for, or an order to make, one route. */
function routeMessage(
  type: (typeof RTM)[keyof typeof RTM],
  { ip, bits }: Cidr | { readonly ip: Uint8Array; readonly bits: number },
): Uint8Array<ArrayBuffer> {
  const making = type === RTM.newRoute;
  const head = BYTES.header + BYTES.route;
  const destinationBytes = BYTES.attribute + ip.length;
  const message = new Uint8Array(head + destinationBytes + (making ? 2 * BYTES.attribute : 0));
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, making ? FLAGS.create : FLAGS.ask, true);
  const family = ip.length === 4 ? AF.inet : AF.inet6;
  message.set([family, bits], BYTES.header);
  view.setUint16(head, destinationBytes, true);
  view.setUint16(head + 2, RTA.destination, true);
  message.set(ip, head + BYTES.attribute);
  if (!making) return message;
  message.set([RT_TABLE_LOCAL, RTPROT_STATIC, RT_SCOPE_HOST, RTN_LOCAL], BYTES.header + 4);
  const device = head + destinationBytes;
  view.setUint16(device, 2 * BYTES.attribute, true);
  view.setUint16(device + 2, RTA.interface, true);
  view.setUint32(device + 4, LOOPBACK_INDEX, true);
  return message;
}
