import type { PlaceKeeper, PlaceOfPod } from "./parts.ts";

/** Keeps places as another does that is not there yet: whoever takes one waits. */
export class LatePlaces implements PlaceKeeper {
  readonly #opening = Promise.withResolvers<PlaceKeeper>();
  #keeper: PlaceKeeper | undefined;

  /** Now it is there. */
  open(keeper: PlaceKeeper): void {
    this.#keeper = keeper;
    this.#opening.resolve(keeper);
  }

  async take(uid: string, signal: AbortSignal): Promise<PlaceOfPod> {
    const keeper = this.#keeper ?? await raced(this.#opening.promise, signal);
    return await keeper.take(uid, signal);
  }

  /** Before it is there nobody has a place but from an earlier agent: that one goes with the orphans. */
  async release(uid: string): Promise<void> {
    await this.#keeper?.release(uid);
  }

  get uids(): readonly string[] {
    return this.#keeper?.uids ?? [];
  }

  find(ip: string): string | undefined {
    return this.#keeper?.find(ip);
  }

  isStandIn(ip: string): boolean {
    return this.#keeper?.isStandIn(ip) ?? false;
  }

  isOfPods(ip: string): boolean {
    return this.#keeper?.isOfPods(ip) ?? false;
  }
}

async function raced<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
