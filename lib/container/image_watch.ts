/**
 * What may change of a container while it runs, and then needs another run.
 *
 * @module
 */
import type { Container } from "../api/types.ts";
import { hasOtherMemoryLimit } from "../resources/resize.ts";

/** The container, as the newest version of its pod has it. */
export interface WatchedContainer {
  spec(): Container;
  /** Settles when there is a newer version, or the signal is aborted. */
  podChanged(signal: AbortSignal): Promise<void>;
}

/** Watches until the container is to have another image or memory limit, or until it is disposed of. */
export class ImageWatch implements Disposable {
  readonly #replaced = new AbortController();
  readonly #over = new AbortController();

  /** `begun` is what the present run was begun with. */
  constructor(container: WatchedContainer, begun: Container) {
    void this.#watch(container, begun);
  }

  /** Aborted when the container is to have another image or memory limit. */
  get signal(): AbortSignal {
    return this.#replaced.signal;
  }

  async #watch(container: WatchedContainer, begun: Container): Promise<void> {
    while (!this.#over.signal.aborted) {
      const { image, resources } = container.spec();
      if (image !== begun.image || hasOtherMemoryLimit(resources, begun.resources)) {
        return this.#replaced.abort();
      }
      await container.podChanged(this.#over.signal);
    }
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }
}
