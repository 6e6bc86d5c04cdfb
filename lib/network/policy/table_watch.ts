/**
 * One watched collection that fills a table, and whether the table can be believed.
 *
 * @module
 */
import { type ApiClient, isForbidden, isNotFound } from "../../api/client.ts";
import { listWatch, type ListWatchEvent, type ListWatchOptions } from "../../api/list_watch.ts";
import type { KubeObject } from "../../api/types.ts";

/**
 * `waiting`: nothing has been heard yet. `known`: the table holds what there was when the server was last heard.
 * `forbidden`: this node has never been allowed to see it. `absent`: the server has no such resource.
 */
export type TableState = "waiting" | "known" | "forbidden" | "absent";

/** What to watch, and who keeps it. */
export interface TableWatchOptions<T extends KubeObject>
  extends Pick<ListWatchOptions<T>, "path" | "fieldSelector" | "trim"> {
  /** Puts news into the table. */
  readonly keep: (event: ListWatchEvent<T>) => void;
  /** Told after each change of the table or of the state. */
  readonly onChange: () => void;
  /** Told of each failure. */
  readonly onError?: ((error: unknown, retryInMs: number) => void) | undefined;
  /** Told whenever the server has begun to answer (again). */
  readonly onWatching?: (() => void) | undefined;
  /** For tests. */
  readonly timings?: WatchTimings | undefined;
}

/** Clock and chance of a watch, for tests. */
export type WatchTimings = Pick<ListWatchOptions, "random" | "sleep" | "silenceMs">;

/** Watches from the beginning until it is closed; what was known stays known while the server is away. */
export class TableWatch<T extends KubeObject> {
  #state: TableState = "waiting";
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;

  constructor(client: ApiClient, options: TableWatchOptions<T>) {
    const { keep, onChange, onError, onWatching, timings, ...collection } = options;
    const { signal } = this.#controller;
    const events = listWatch<T>(client, {
      ...collection,
      ...timings,
      signal,
      ...(onWatching === undefined ? {} : { onWatching }),
      onError: (error, retryInMs) => {
        this.#fail(error, onChange);
        onError?.(error, retryInMs);
      },
    });
    this.#done = this.#follow(events, (event) => {
      keep(event);
      if (event.type === "synced") this.#state = "known";
      onChange();
    });
  }

  /** Whether the table can be believed. */
  get state(): TableState {
    return this.#state;
  }

  /** Ends the watch; resolves when it is closed. Nothing is told any more. */
  async close(): Promise<void> {
    this.#controller.abort();
    await this.#done;
  }

  async #follow(
    events: AsyncGenerator<ListWatchEvent<T>, void, void>,
    tell: (event: ListWatchEvent<T>) => void,
  ): Promise<void> {
    for await (const event of events) {
      if (this.#controller.signal.aborted) return;
      tell(event);
    }
  }

  #fail(error: unknown, onChange: () => void): void {
    if (this.#state === "known" || this.#controller.signal.aborted) return;
    // Any other failure is the server's trouble, and says nothing about what there is.
    const state = isForbidden(error) ? "forbidden" : isNotFound(error) ? "absent" : this.#state;
    if (state === this.#state) return;
    this.#state = state;
    onChange();
  }
}
