import { ERRNO } from "../../errno.ts";
import { SLEEP_SLICE_MS_MAX } from "../../limits.ts";
import { turn } from "../../guest/turn.ts";
import type { Answer, Eventual, Wait } from "../host.ts";
import { Changes, isPortableSocket, type Ready } from "./portable_socket.ts";

const NS_PER_MS = 1_000_000;

/** What there is to tell of something that is no socket of this host. */
export type Look = (wait: Wait) => Ready;

/** Waits for files, sockets and the time while the event loop runs. */
export class Waiting {
  readonly #look: Look;
  readonly #alarm = new Alarm();
  #ended = false;

  constructor(look: Look) {
    this.#look = look;
  }

  /**
   * As `System.wait`. It may come back early, as the interface allows; but always after a turn of the
   * event loop, or with something to tell.
   */
  wait(waits: readonly Wait[], timeoutNs: bigint | undefined): Eventual {
    if (this.#ended) return -ERRNO.badf;
    const found = this.#lookAtAll(waits);
    if (found > 0) return found;
    const timeoutMs = timeoutNs === undefined ? Infinity : Number(timeoutNs) / NS_PER_MS;
    // No timer is as short as a turn: what is due within its resolution is waited for by turns.
    const waited = timeoutMs < 1 ? turn() : this.#change(waits, timeoutMs);
    return waited.then(() => this.#lookAtAll(waits));
  }

  /** Wakes everybody who waits; from now on every answer is `badf`. */
  end(): void {
    this.#ended = true;
    this.#alarm.ring();
  }

  #lookAtAll(waits: readonly Wait[]): Answer {
    let found = 0;
    for (const wait of waits) {
      const { file, interest } = wait;
      wait.ready = isPortableSocket(file) ? file.readiness(interest) : this.#look(wait);
      if (wait.ready !== undefined) found++;
    }
    return found;
  }

  /** Settles when something happens to one of the sockets, or the alarm rings. */
  #change(waits: readonly Wait[], timeoutMs: number): Promise<void> {
    const changes = waits.flatMap(({ file }) => isPortableSocket(file) ? file.changes : []);
    changes.push(this.#alarm.changes);
    this.#alarm.setWithin(Math.min(Math.floor(timeoutMs), SLEEP_SLICE_MS_MAX));
    return new Promise((resolve) => {
      const done = (): void => {
        for (const each of changes) each.remove(done);
        resolve();
      };
      for (const each of changes) each.add(done);
    });
  }
}

/**
 * One timer for everybody who waits. It is left running when somebody comes back before it rings,
 * because to set and clear one takes longer than most waits (15 µs): then it rings too early.
 */
class Alarm {
  readonly changes = new Changes();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = 0;

  /** Rings in so many milliseconds or earlier. */
  setWithin(timeoutMs: number): void {
    const dueMs = performance.now() + timeoutMs;
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => this.ring(), timeoutMs);
  }

  /** Rings now. */
  ring(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.changes.wake();
  }
}
