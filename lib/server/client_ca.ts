/**
 * Whose client certificates are believed.
 *
 * @module
 */
import type { ApiClient } from "../api/client.ts";
import { ApiError } from "../api/api_error.ts";
import { configMapPath } from "../api/paths.ts";
import type { ConfigMap } from "../api/types.ts";
import { sleep } from "../time.ts";

/** What the API server tells of itself; the role `extension-apiserver-authentication-reader` may read it. */
const PUBLISHED = { namespace: "kube-system", name: "extension-apiserver-authentication" };
const PUBLISHED_KEY = "client-ca-file";
/** An operator who exchanges the authority has both in the file for a while. */
const RELOAD_MS = 10 * 60_000;
/** After a failure, as of an API server that is away. */
const RETRY_MS = 30_000;
const ANSWER_MS_MAX = 10_000;

/** Where the authorities may be. */
export interface ClientCaSources {
  /** A file that the user names: nothing else is asked then. */
  readonly file: (() => Promise<string>) | undefined;
  /** What is taken when the cluster does not tell: the authority of its own certificate. */
  readonly cluster: string | undefined;
}

/**
 * The authorities of client certificates, in PEM: the user's file, else what the API server publishes if this
 * node may read it, else the cluster's own; `undefined` if there is none of them.
 */
export async function readClientCa(
  api: Pick<ApiClient, "get">,
  { file, cluster }: ClientCaSources,
): Promise<string | undefined> {
  if (file !== undefined) return await file();
  return await publishedCa(api) ?? cluster;
}

async function publishedCa(api: Pick<ApiClient, "get">): Promise<string | undefined> {
  try {
    const path = configMapPath(PUBLISHED.namespace, PUBLISHED.name);
    const { data } = await api.get<ConfigMap>(path, { timeoutMs: ANSWER_MS_MAX });
    return data?.[PUBLISHED_KEY] || undefined;
  } catch (error) {
    // No node may read it unless somebody has allowed it, and not every cluster has it.
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) {
      return undefined;
    }
    throw error;
  }
}

/** Reads them at once, and again and again until the signal; tells when they are others. Never rejects. */
export async function followClientCa(
  first: string,
  { read, onChange, onError, signal, everyMs = RELOAD_MS }: {
    read(): Promise<string | undefined>;
    onChange(pem: string): void;
    onError(error: unknown): void;
    readonly signal: AbortSignal;
    readonly everyMs?: number;
  },
): Promise<void> {
  let known = first;
  while (!signal.aborted) {
    let waitMs = everyMs;
    try {
      const now = await read();
      if (now !== undefined && now !== known) onChange(now);
      known = now ?? known;
    } catch (error) {
      if (signal.aborted) return;
      onError(error);
      waitMs = Math.min(everyMs, RETRY_MS);
    }
    await sleep(waitMs, signal);
  }
}
