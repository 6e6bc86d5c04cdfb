import type { ImportedCall } from "../calls/mod.ts";
import type { PortableHost } from "../host/portable/portable_host.ts";
import { CALLS_PER_TURN_MAX } from "../limits.ts";
import { turn } from "./turn.ts";

/** WebAssembly's JavaScript Promise Integration (JSPI), which TypeScript does not know yet. */
interface PromiseIntegration {
  /** Makes an import that suspends the guest while the promise that it answers is pending. */
  readonly Suspending: new (call: ImportedCall) => ImportedCall;
  /** Makes an export that may be suspended; only below such a one may a guest wait. */
  promising<Arguments extends readonly unknown[], Result>(
    entry: (...args: Arguments) => Result,
  ): (...args: Arguments) => Promise<Awaited<Result>>;
}

const { Suspending, promising } = WebAssembly as typeof WebAssembly & PromiseIntegration;

/** The calls that may wait for the network, and the one that lets others run. */
const MAY_WAIT = /^(fd_read|fd_write|poll_oneoff|sched_yield|sock_.*)$/;

/**
 * Lets a guest wait for promises: it is suspended, and its thread runs the event loop meanwhile.
 *
 * Only below its {@linkcode entry}: a start section that makes one of these calls traps.
 */
export class Suspension {
  /** The guest's own. */
  readonly host: PortableHost;
  readonly #abandon: () => never;
  #abandoned = false;
  /** Calls answered since the event loop has run. */
  #answered = 0;

  /** `abandon` unwinds the guest; it is called in place of an answer that comes too late. */
  constructor(host: PortableHost, abandon: () => never) {
    this.host = host;
    this.#abandon = abandon;
  }

  /** The calls to import: those that may have to wait can suspend the guest. */
  imports(calls: Readonly<Record<string, ImportedCall>>): Record<string, ImportedCall> {
    return Object.fromEntries(
      Object.entries(calls).map(([name, call]) => [
        name,
        MAY_WAIT.test(name) ? this.#suspending(call, { yields: name === "sched_yield" }) : call,
      ]),
    );
  }

  /** An export to call: its promise settles when the guest has come back. */
  entry<Arguments extends readonly unknown[], Result>(
    run: (...args: Arguments) => Result,
  ): (...args: Arguments) => Promise<Awaited<Result>> {
    return promising(run);
  }

  /** Settles when what the guest has sent is with the system, all sockets being closed. */
  async finish(): Promise<void> {
    await this.host.finish();
  }

  /**
   * From now on nobody is resumed: what is suspended is unwound as soon as its answer comes. What is
   * not sent yet is lost.
   */
  abandon(): void {
    this.#abandoned = true;
    this.host.end();
  }

  /**
   * A guest that never waits would keep the event loop from running, and with it everything that it
   * polls for: so it waits for one turn of it now and then.
   */
  #suspending(call: ImportedCall, { yields }: { yields: boolean }): ImportedCall {
    return new Suspending((...args) => {
      const answer = call(...args);
      if (typeof answer !== "number") return this.#resume(answer);
      if (!yields && ++this.#answered < CALLS_PER_TURN_MAX) return answer;
      return this.#resume(turn().then(() => answer));
    });
  }

  async #resume(answer: Promise<number>): Promise<number> {
    const errno = await answer;
    this.#answered = 0;
    return this.#abandoned ? this.#abandon() : errno;
  }
}
