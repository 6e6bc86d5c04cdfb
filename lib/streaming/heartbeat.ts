/**
 * Finds out that a peer is gone, or has nothing more to say.
 *
 * @module
 */
import type { StreamingTimes } from "./limits.ts";

/** What a heartbeat does. */
export interface HeartbeatDeeds {
  /**
   * Says something that needs no answer from whoever uses the connection: while a connection is not
   * read from, only a failed write shows that the peer is gone.
   */
  ping(): Promise<void>;
  /** The peer has been silent for `idleMs`, though it was listened to. */
  onIdle(): void;
}

/** Pings a peer until it is stopped, and tells when it was silent for too long. */
export class Heartbeat {
  readonly #times: StreamingTimes;
  readonly #deeds: HeartbeatDeeds;
  readonly #timer: ReturnType<typeof setInterval>;
  #aliveAtMs = performance.now();
  #pinging = false;
  #listening = true;

  constructor(times: StreamingTimes, deeds: HeartbeatDeeds) {
    this.#times = times;
    this.#deeds = deeds;
    this.#timer = setInterval(() => void this.#beat(), times.pingMs);
  }

  /** The peer has said something. */
  alive(): void {
    this.#aliveAtMs = performance.now();
  }

  /** Whether the peer is read from: what it says while it is not, its answers to pings too, nobody hears. */
  listens(listening: boolean): void {
    // Time in which nobody listened is none of its silence.
    if (listening && !this.#listening) this.alive();
    this.#listening = listening;
  }

  /** Ends it. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async #beat(): Promise<void> {
    const silentMs = performance.now() - this.#aliveAtMs;
    if (this.#listening && silentMs >= this.#times.idleMs) return this.#deeds.onIdle();
    // One that is still on its way says it all.
    if (this.#pinging) return;
    this.#pinging = true;
    await this.#deeds.ping().catch(() => {});
    this.#pinging = false;
  }
}
