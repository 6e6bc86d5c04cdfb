import { Messages } from "./libc_messages.ts";
import { Listening } from "./listening.ts";
import { SocketCalls } from "./libc_socket_calls.ts";
import type { LibcSystem } from "./libc_system.ts";

/** What the sockets of one host share. */
export class LibcSocketSystem {
  readonly system: LibcSystem;
  readonly calls: SocketCalls;
  readonly messages: Messages;
  readonly listening: Listening;

  constructor(system: LibcSystem) {
    this.system = system;
    this.calls = new SocketCalls(system.library);
    this.listening = new Listening(this.calls);
    this.messages = new Messages(system.library, system.transfers);
  }
}
