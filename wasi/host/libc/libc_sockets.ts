import type { Answer } from "../host.ts";
import type { Family, HostSocket, Protocol } from "../socket.ts";
import { LibcSocket, type LibcSocketOptions } from "./libc_socket.ts";
import { LibcSocketSystem } from "./libc_socket_system.ts";
import type { LibcSystem } from "./libc_system.ts";

/** The part of a host that has sockets. Few guests want it, so it is loaded for those alone. */
export class LibcSockets {
  readonly #system: LibcSocketSystem;

  constructor(system: LibcSystem) {
    this.#system = new LibcSocketSystem(system);
  }

  /** A new socket, not bound. */
  open(family: Family, protocol: Protocol): HostSocket | Answer {
    return LibcSocket.open(this.#system, family, protocol);
  }

  /** A socket that another thread has opened. */
  adopt(options: LibcSocketOptions): HostSocket {
    return new LibcSocket(this.#system, options);
  }

  /** What listens from now on may go on. */
  permitListening(): void {
    this.#system.listening.permit();
  }

  /** Shuts down what listens, and what will. */
  stopListening(): void {
    this.#system.listening.stop();
  }

  /** The descriptor of the process behind a socket; `undefined` for another host's. */
  fdOf(socket: HostSocket): number | undefined {
    return socket instanceof LibcSocket ? socket.fd : undefined;
  }
}
