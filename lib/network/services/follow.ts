/**
 * Keeps a table of Services as the API server tells of them.
 *
 * @module
 */
import type { ApiClient } from "../../api/client.ts";
import { ApiError } from "../../api/client.ts";
import { listWatch, type ListWatchOptions } from "../../api/list_watch.ts";
import { endpointSlicesPath, servicesPath } from "../../api/paths.ts";
import type { EndpointSlice, KubeObject, Service } from "../../api/types.ts";
import type { ServiceTable, TablePart } from "./table.ts";

/** What keeps a list from being known, or up to date. */
export interface FollowTrouble {
  readonly part: TablePart;
  /** True if the node is not allowed to see it: somebody has to grant that. */
  readonly forbidden: boolean;
  readonly error: unknown;
}

/** What is followed; the timings are for tests. */
export interface FollowOptions {
  /** Speaks to the API server. */
  readonly client: ApiClient;
  /** Where it is kept. What is known stays known while the server is away. */
  readonly table: ServiceTable;
  /** The only way to end. */
  readonly signal: AbortSignal;
  /** Told once when trouble of a kind begins, and again only if all was well in between. */
  readonly onTrouble?: (trouble: FollowTrouble) => void;
  /** Told whenever a list is known, or known again. */
  readonly onKnown?: (part: TablePart) => void;
  /** Told after each change. */
  readonly onChange?: () => void;
  readonly timings?: Pick<ListWatchOptions, "random" | "sleep" | "silenceMs">;
}

/** Follows Services and EndpointSlices until the signal fires; then resolves. Never rejects. */
export async function followServices(options: FollowOptions): Promise<void> {
  const { table } = options;
  await Promise.all([
    follow<Service>(options, {
      part: "services",
      path: servicesPath(),
      sync: (all) => table.syncServices(all),
      apply: (one) => table.applyService(one),
      remove: (one) => table.deleteService(one),
    }),
    follow<EndpointSlice>(options, {
      part: "slices",
      path: endpointSlicesPath(),
      sync: (all) => table.syncSlices(all),
      apply: (one) => table.applySlice(one),
      remove: (one) => table.deleteSlice(one),
    }),
  ]);
}

/** Half of what a server sends of an object is about who has changed it. */
function trim<T extends KubeObject>(object: T): T {
  const { name, namespace, labels } = object.metadata ?? {};
  const metadata: KubeObject["metadata"] = {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
  };
  return { ...object, metadata };
}

interface Feed<T> {
  readonly part: TablePart;
  readonly path: string;
  sync(all: readonly T[]): void;
  apply(one: T): void;
  remove(one: T): void;
}

async function follow<T extends KubeObject>(
  { client, signal, onTrouble, onKnown, onChange, timings }: FollowOptions,
  { part, path, sync, apply, remove }: Feed<T>,
): Promise<void> {
  let told: "forbidden" | "away" | undefined;
  const events = listWatch<T>(client, {
    ...timings,
    path,
    signal,
    trim,
    onWatching: () => told = undefined,
    onError: (error) => {
      const forbidden = error instanceof ApiError && error.status === 403;
      const kind = forbidden ? "forbidden" : "away";
      if (told === kind) return;
      told = kind;
      onTrouble?.({ part, forbidden, error });
    },
  });
  for await (const event of events) {
    if (event.type === "synced") {
      sync(event.items);
      onKnown?.(part);
    } else if (event.type === "applied") apply(event.object);
    else remove(event.object);
    onChange?.();
  }
}
