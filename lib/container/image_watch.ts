/**
 * The one field of a container that may change while it runs.
 *
 * @module
 */
import type { Container } from "../api/types.ts";
import type { ContainerTask } from "./runner.ts";

/** Watches until the container is to have another image, or until it is disposed of. */
export class ImageWatch implements Disposable {
  readonly #replaced = new AbortController();
  readonly #over = new AbortController();

  /** `begun` is what the present run was begun with. */
  constructor(task: Pick<ContainerTask, "spec" | "podChanged">, begun: Container) {
    void this.#watch(task, begun);
  }

  /** Aborted when the container is to have another image. */
  get signal(): AbortSignal {
    return this.#replaced.signal;
  }

  async #watch(
    task: Pick<ContainerTask, "spec" | "podChanged">,
    begun: Container,
  ): Promise<void> {
    while (!this.#over.signal.aborted) {
      if (task.spec().image !== begun.image) return this.#replaced.abort();
      await task.podChanged(this.#over.signal);
    }
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }
}
