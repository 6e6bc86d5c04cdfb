import { RIGHTS_CONNECTION, RIGHTS_LISTENER } from "../abi.ts";
import { SocketDescriptor } from "./socket.ts";
import { errnoName } from "../errno.ts";
import type { Answer, System } from "../host/host.ts";
import type { HostSocket, SocketAddress } from "../host/socket.ts";
import { BACKLOG_MAX } from "../limits.ts";
import { parseIp } from "../network/ip.ts";
import { type Listener, OptionsError } from "../options.ts";

/**
 * Opens a socket that listens, for the guest to accept connections from.
 *
 * Throws {@linkcode OptionsError} if that cannot be.
 */
export function openListener(host: System, { hostname, port }: Listener): SocketDescriptor {
  const name = hostname === "localhost" ? "127.0.0.1" : hostname;
  const ip = parseIp(name);
  const refuse = (state: string): never => {
    throw new OptionsError(`Cannot listen on "${hostname}" port ${port}: ${state}`);
  };
  if (ip === undefined) return refuse("it is no IP address");
  const socket = host.openSocket(ip.length === 4 ? "ipv4" : "ipv6", "tcp");
  if (typeof socket === "number") return refuse(errnoName(-socket));
  const answer = listen(socket, { ip, port });
  if (answer < 0) {
    socket.close();
    return refuse(errnoName(-answer));
  }
  return new SocketDescriptor(socket, {
    rights: RIGHTS_LISTENER,
    inheriting: RIGHTS_CONNECTION,
    flags: 0,
    nonblockWhenAsked: true,
    bound: true,
  });
}

function listen(socket: HostSocket, address: SocketAddress): Answer {
  // As everybody does: a port can be had again although connections of the last holder linger.
  const reused = socket.setOption("reuseAddress", 1);
  if (reused < 0) return reused;
  const bound = socket.bind(address);
  return bound < 0 ? bound : socket.listen(BACKLOG_MAX);
}
