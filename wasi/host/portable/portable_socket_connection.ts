import { ERRNO } from "../../errno.ts";
import type { Vectors } from "../../memory.ts";
import { turn } from "../../guest/turn.ts";
import type { Answer, Eventual, Wait } from "../host.ts";
import { SHUTDOWN, type SocketTransfer } from "../socket.ts";
import { Changes, persist, type Ready, viewsOf } from "./portable_socket.ts";
import type { TextAddress } from "./portable_socket_address.ts";
import { Inflow, type Source } from "./portable_socket_inflow.ts";
import type { Lingering } from "./portable_socket_lingering.ts";
import { Outflow, type Sink } from "./portable_socket_outflow.ts";

/** A connection of Deno's, or one that looks like it. */
export interface Wire extends Source, Sink {
  readonly localAddr: TextAddress;
  readonly remoteAddr: TextAddress;
  setNoDelay(on: boolean): void;
  setKeepAlive(on: boolean): void;
  close(): void;
}

/** A stream between two sockets, once it stands. */
export class Connection {
  readonly wire: Wire;
  readonly #changes: Changes;
  readonly #lingering: Lingering;
  readonly #inflow: Inflow;
  readonly #outflow: Outflow;
  #closed = false;

  constructor(
    wire: Wire,
    { changes, lingering }: { changes: Changes; lingering: Lingering },
  ) {
    this.wire = wire;
    this.#changes = changes;
    this.#lingering = lingering;
    this.#inflow = new Inflow(wire, changes);
    this.#outflow = new Outflow(wire, changes);
  }

  readiness(interest: Wait["interest"]): Ready | undefined {
    const hangup = this.#inflow.ended && this.#outflow.ended;
    if (interest === "write") {
      return this.#outflow.ready ? { errno: ERRNO.success, bytes: 0n, hangup } : undefined;
    }
    const ready = this.#inflow.readiness();
    return ready === undefined ? undefined : { ...ready, hangup };
  }

  receive(into: Vectors, transfer: SocketTransfer): Eventual {
    const { nonblock, peek } = transfer;
    const views = viewsOf(into);
    const wanted = transfer.waitAll && !peek && !nonblock ? into.bytes : Math.min(1, into.bytes);
    let done = 0;
    const attempt = (): Answer => {
      if (this.#closed) return -ERRNO.badf;
      do {
        const count = this.#inflow.take(views, { skip: done, peek });
        if (count < 0) return count === -ERRNO.again || done === 0 ? count : done;
        done += count;
        if (count === 0) break;
      } while (done < wanted);
      return done;
    };
    return persist(attempt, { changes: this.#changes, nonblock });
  }

  send(from: Vectors, { nonblock }: SocketTransfer): Eventual {
    const views = viewsOf(from);
    const wanted = from.bytes;
    let done = 0;
    const attempt = (): Answer => {
      if (this.#closed) return -ERRNO.badf;
      const count = this.#outflow.give(views, done);
      if (count < 0) return count === -ERRNO.again || done === 0 ? count : done;
      done += count;
      return done < wanted && !nonblock ? -ERRNO.again : done;
    };
    const answer = persist(attempt, { changes: this.#changes, nonblock });
    if (typeof answer !== "number" || !this.#outflow.waits) return answer;
    return turn().then(() => answer); // or a guest that computes next would hold its own words back
  }

  shutdown(how: number): Answer {
    if ((how & SHUTDOWN.receive) !== 0) this.#inflow.end();
    if ((how & SHUTDOWN.send) !== 0) this.#outflow.finish();
    return 0;
  }

  /** Whoever waits is told `badf`; what was sent still goes its way. */
  close(): void {
    this.#closed = true;
    this.#changes.wake();
    const { sending } = this.#outflow;
    if (sending === undefined) this.wire.close();
    else this.#lingering.add(sending, () => this.wire.close());
  }
}
