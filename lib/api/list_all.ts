/**
 * A whole collection, page by page.
 *
 * @module
 */
import { isGone } from "./api_error.ts";
import type { ApiClient } from "./client.ts";
import type { KubeList, KubeObject } from "./types.ts";

/** Objects per page, as kubectl and client-go ask for. */
export const LIST_PAGE_ITEMS = 500;
/** Ends a server that always promises one more page. */
export const LIST_PAGES_MAX = 1_000;

/**
 * Lists a collection at one consistent version. Throws what the client throws, and if the answer is
 * no list.
 */
export async function listAll<T extends KubeObject>(
  client: ApiClient,
  options: {
    readonly path: string;
    readonly fieldSelector?: string;
    readonly labelSelector?: string;
    /** Makes each object smaller as its page comes, so that a large list is never held whole. */
    readonly trim?: (object: T) => T;
    readonly signal?: AbortSignal;
  },
): Promise<{ items: T[]; version: string }> {
  const { path, signal, trim = (object: T): T => object } = options;
  const query = {
    ...(options.fieldSelector === undefined ? {} : { fieldSelector: options.fieldSelector }),
    ...(options.labelSelector === undefined ? {} : { labelSelector: options.labelSelector }),
  };
  const items: T[] = [];
  let next: string | undefined;
  for (let page = 0; page < LIST_PAGES_MAX; page++) {
    let list: KubeList<T>;
    try {
      const limit = String(LIST_PAGE_ITEMS);
      const paged = { ...query, limit, ...(next === undefined ? {} : { continue: next }) };
      list = await client.get<KubeList<T>>(path, { query: paged, signal });
    } catch (error) {
      if (next === undefined || !isGone(error)) throw error;
      // The pages outlived the server's history: all at once is slower, but cannot expire.
      list = await client.get<KubeList<T>>(path, { query, signal });
      items.length = 0;
    }
    const { resourceVersion, continue: more } = list.metadata ?? {};
    if (resourceVersion === undefined) {
      throw new Error(`Cannot list "${path}": the answer is not a list with a resource version`);
    }
    // Go writes an empty list as null at times.
    for (const item of list.items ?? []) items.push(trim(item));
    if (more === undefined || more === "") return { items, version: resourceVersion };
    next = more;
  }
  throw new Error(`Cannot list "${path}": there are more than ${LIST_PAGES_MAX} pages`);
}
