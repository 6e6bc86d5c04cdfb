/**
 * Which packets are answers: UDP has no connections, so who has spoken with whom is remembered.
 *
 * @module
 */

/** Two sides that speak by UDP. */
export interface Flow {
  /** UID of the pod. */
  readonly uid: string;
  /** The other side. */
  readonly ip: string;
  readonly port: number;
}

/** An answer may come so long after the last packet, as in Linux's own table of streams. */
export const FLOW_MS = 120_000;
/** Flows of one pod; the oldest is forgotten. */
export const FLOWS_MAX = 4_096;

/** Remembers who began. One that is used goes on. */
export class Flows {
  readonly #byPod = new Map<string, Map<string, number>>();
  readonly #now: () => number;

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** A packet was allowed: those of the other direction are answers. */
  note({ uid, ip, port }: Flow): void {
    const flows = this.#byPod.get(uid) ?? new Map<string, number>();
    this.#byPod.set(uid, flows);
    const key = `${ip} ${port}`;
    flows.delete(key); // so that it becomes the newest
    flows.set(key, this.#now() + FLOW_MS);
    for (const oldest of flows.keys()) {
      if (flows.size <= FLOWS_MAX) break;
      flows.delete(oldest);
    }
  }

  /** True if a packet belongs to a flow; the flow then goes on. */
  has(flow: Flow): boolean {
    const flows = this.#byPod.get(flow.uid);
    const untilMs = flows?.get(`${flow.ip} ${flow.port}`);
    if (untilMs === undefined) return false;
    if (untilMs > this.#now()) {
      this.note(flow);
      return true;
    }
    flows?.delete(`${flow.ip} ${flow.port}`);
    return false;
  }

  /** Forgets a pod. */
  forget(uid: string): void {
    this.#byPod.delete(uid);
  }
}
