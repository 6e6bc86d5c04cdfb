import { Messages } from "./libc_messages.ts";
import { SocketCalls } from "./libc_socket_calls.ts";
import type { Library } from "./library.ts";
import { Polling } from "./polling.ts";
import type { Resolve } from "./resolver.ts";
import { Stat } from "./stat.ts";
import { Transfers } from "./transfers.ts";

/** What the files, directories and sockets of one host share. */
export class LibcSystem {
  readonly library: Library;
  readonly stat: Stat;
  readonly resolve: Resolve;
  readonly transfers: Transfers;
  readonly polling: Polling;
  readonly sockets: SocketCalls;
  readonly messages: Messages;

  constructor(library: Library, resolve: Resolve) {
    this.library = library;
    this.stat = new Stat(library);
    this.resolve = resolve;
    this.transfers = new Transfers(library);
    this.polling = new Polling(library);
    this.sockets = new SocketCalls(library);
    this.messages = new Messages(library, this.transfers);
  }
}
