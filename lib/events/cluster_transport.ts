/**
 * Events on their way to the API server.
 *
 * @module
 */
import { type ApiClient, ApiError } from "../api/client.ts";
import { eventPath, eventsPath } from "../api/paths.ts";
import type { Event } from "../api/types.ts";
import type { EventTransport } from "./recorder.ts";

/** Creates events, and counts them up when they repeat. */
export class ClusterEventTransport implements EventTransport {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async create(event: Event, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.create(eventsPath(event.metadata?.namespace ?? "default"), event, {
        signal,
        brief: true,
      });
    } catch (error) {
      if (!isFinal(error)) throw error;
    }
  }

  async repeat(event: Event, signal: AbortSignal): Promise<void> {
    const { namespace = "default", name = "" } = event.metadata ?? {};
    const { count, lastTimestamp } = event;
    try {
      await this.#client.patch(eventPath(namespace, name), { count, lastTimestamp }, {
        type: "merge",
        signal,
        brief: true,
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return await this.create(event, signal);
      }
      if (!isFinal(error)) throw error;
    }
  }
}

// What the API server refuses for good is not said again: a namespace that is being deleted
// (403, 404), a name that exists (409: an earlier try was heard), a text that it does not take.
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && [403, 404, 409, 413, 422].includes(error.status);
}
