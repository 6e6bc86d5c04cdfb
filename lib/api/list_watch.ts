/**
 * A collection of objects, kept up to date: list, watch, and list again when told 410.
 *
 * @module
 */
import { isGone } from "./api_error.ts";
import { backoffMs } from "./backoff.ts";
import type { ApiClient } from "./client.ts";
import { ApiError } from "./client.ts";
import { Deadline, delay } from "./deadline.ts";
import { listAll } from "./list_all.ts";
import type { KubeObject } from "./types.ts";
import { parseWatchEvent, type WatchEvent } from "./watch_event.ts";

/** News of the collection. */
export type ListWatchEvent<T extends KubeObject> =
  /** Everything there is, after each list. What is not in it is gone. */
  | { readonly type: "synced"; readonly items: T[] }
  /** New or changed. */
  | { readonly type: "applied"; readonly object: T }
  /** Gone; `object` is its last version. */
  | { readonly type: "deleted"; readonly object: T };

/** What to watch. The time-outs, clock and chance are for tests. */
export interface ListWatchOptions<T extends KubeObject = KubeObject> {
  /** Path of the collection, as `podsPath()`. */
  readonly path: string;
  /** Only objects with these fields, as `metadata.name=web`. @default {all} */
  readonly fieldSelector?: string;
  /** Only objects with these labels, as `app=web`. @default {all} */
  readonly labelSelector?: string;
  /** Makes each object of a list smaller as its page comes. Those of a watch are told as they are. */
  readonly trim?: (object: T) => T;
  /** The only way to end. The iteration then ends without an error. */
  readonly signal: AbortSignal;
  /** Told of every failure, and when the next attempt begins. */
  readonly onError?: (error: unknown, retryInMs: number) => void;
  /** Called whenever a watch is open (again), before its first event. */
  readonly onWatching?: () => void;
  /** How long a watch may say nothing. @default {90 s} */
  readonly silenceMs?: number;
  /** In [0, 1). @default {Math.random} */
  readonly random?: () => number;
  /** Milliseconds of a clock that never goes back. @default {performance.now} */
  readonly now?: () => number;
  /** Rejects when the signal fires. @default {a timer} */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * A watch that says nothing for so long is given up: a server sends a bookmark about every minute.
 * On a server that has none to send it costs one request each time, and nobody is told.
 */
export const WATCH_SILENCE_MS = 90_000;
/** The server ends a watch after this time at the earliest… */
export const WATCH_SECONDS_MIN = 300;
/** …and this at the latest; random in between, so that watches do not end together. */
export const WATCH_SECONDS_MAX = 600;
/** A watch that ends sooner, and without news, is a failure: else a bad proxy makes us spin. */
const WATCH_SHORT_MS = 1_000;
/** After so many failures in a row the version that we hold is given up, too: list again. */
const FAILURES_BEFORE_LIST = 3;
/** `Retry-After` of the server counts up to here. */
const RETRY_AFTER_MS_MAX = 30_000;

/**
 * Lists the collection and then watches it, for ever: whatever the server or the network does, it
 * tries again, from the last version it knows or with a new list. Ends only with the signal.
 */
export async function* listWatch<T extends KubeObject>(
  client: ApiClient,
  options: ListWatchOptions<T>,
): AsyncGenerator<ListWatchEvent<T>, void, void> {
  const { signal, now = () => performance.now(), sleep = delay, random = Math.random } = options;
  let version: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let news = false;
    let openedMs = Infinity;
    let trouble: unknown;
    const { identities } = client;
    try {
      if (version === undefined) {
        const list = await listAll<T>(client, options);
        version = list.version;
        yield { type: "synced", items: list.items };
      }
      const onWatching = (): void => {
        openedMs = now();
        options.onWatching?.();
      };
      for await (const event of watch<T>(client, { ...options, version, onWatching })) {
        if (event.type === "unknown") continue;
        version = event.object.metadata?.resourceVersion ?? version;
        news = true;
        if (event.type !== "bookmark") yield event;
      }
    } catch (error) {
      trouble = error;
    }
    if (signal.aborted) return;
    // With another identity the client itself ends its watches: they go on where they were.
    const moved = trouble === undefined && client.identities !== identities;
    const worked = news || moved || now() - openedMs >= WATCH_SHORT_MS;
    failures = worked ? 0 : failures;
    if (worked && trouble === undefined) continue;
    failures += 1;
    if (isGone(trouble) || failures % FAILURES_BEFORE_LIST === 0) version = undefined;
    // To be told 410 is routine; only a server that says nothing else is kept waiting.
    if (isGone(trouble) && failures === 1) continue;
    trouble ??= new Error(`Cannot watch "${options.path}": the server ended the watch at once`);
    const waitMs = Math.max(backoffMs(failures, { chance: random() }), askedFor(trouble));
    options.onError?.(trouble, waitMs);
    await sleep(waitMs, signal).catch(() => {}); // it rejects only for the signal
  }
}

/** One watch from `version` on. Ends when the server ends it, or falls silent. */
async function* watch<T extends KubeObject>(
  client: ApiClient,
  options: ListWatchOptions<T> & { readonly version: string },
): AsyncGenerator<WatchEvent<T>, void, void> {
  const { path, random = Math.random, silenceMs = WATCH_SILENCE_MS } = options;
  const seconds = WATCH_SECONDS_MIN + random() * (WATCH_SECONDS_MAX - WATCH_SECONDS_MIN);
  using quiet = new Deadline(options.signal);
  const lines = client.lines(path, {
    query: {
      watch: "true",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(Math.round(seconds)),
      resourceVersion: options.version,
      ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
      ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
    },
    signal: quiet.signal,
    onOpen: options.onWatching,
  });
  try {
    for (;;) {
      // Only the server's silence counts, not the time that our reader takes for an event.
      quiet.restart(silenceMs);
      const line = await lines.next();
      quiet.stop();
      if (line.done) return;
      yield parseWatchEvent<T>(line.value, path);
    }
  } catch (error) {
    if (!quiet.expired) throw error;
  } finally {
    await lines.return();
  }
}

function askedFor(error: unknown): number {
  const ms = error instanceof ApiError ? error.retryAfterMs ?? 0 : 0;
  return Math.min(ms, RETRY_AFTER_MS_MAX);
}
