import { type ApiClient, isNotFound } from "../api/client.ts";
import { listAll } from "../api/list_all.ts";
import { csrsPath, leasePath, nodePath, podsPath } from "../api/paths.ts";
import type { CertificateSigningRequest, Lease, Node, Pod } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { type Doomed, planSmite, type Remains, signOfLife } from "./plan.ts";

/** What {@linkcode runSmite} is told. */
export interface SmiteOptions {
  /** Name of the node. */
  readonly node: string;
  /** Delete; else only say what would be deleted. */
  readonly yes: boolean;
  /** Take the node for dead, whatever it shows. */
  readonly force: boolean;
  /** Ends it between two deletions. */
  readonly signal: AbortSignal;
  /** Takes a line. */
  print(line: string): void;
}

/**
 * Clears what a vanished node has left: its node, its pods (at once: nobody can end them), its certificate
 * requests and its lease. False if something could not be deleted, which is said.
 *
 * @throws {KubeletError} `invalid` for a node that shows signs of life, or that nobody knows.
 */
export async function runSmite(client: ApiClient, options: SmiteOptions): Promise<boolean> {
  const { node: name, yes, force, signal, print } = options;
  const remains = await find(client, { name, signal });
  const doomed = planSmite(name, remains);
  if (doomed.length === 0) {
    throw new KubeletError("invalid", `Cannot smite node "${name}": the cluster has nothing of it`);
  }
  const life = signOfLife(remains, Date.now());
  if (life !== undefined && !force) {
    throw new KubeletError(
      "invalid",
      `Cannot smite node "${name}": ${life}; stop its agent first, or give --force`,
    );
  }
  if (!yes) {
    for (const { what } of doomed) print(`would delete ${what}`);
    print("Nothing was deleted: give --yes to do it");
    return true;
  }
  let allGone = true;
  for (const one of doomed) {
    const trouble = await remove(client, { one, signal });
    print(trouble === undefined ? `deleted ${one.what}` : `Cannot delete ${one.what}: ${trouble}`);
    allGone &&= trouble === undefined;
  }
  return allGone;
}

async function find(
  client: ApiClient,
  { name, signal }: { readonly name: string; readonly signal: AbortSignal },
): Promise<Remains> {
  const [node, lease, pods, requests] = await Promise.all([
    get<Node>(client, { path: nodePath(name), signal }),
    get<Lease>(client, { path: leasePath(name), signal }),
    listAll<Pod>(client, { path: podsPath(), fieldSelector: `spec.nodeName=${name}`, signal }),
    listAll<CertificateSigningRequest>(client, { path: csrsPath(), signal }),
  ]);
  return { node, lease, pods: pods.items, requests: requests.items };
}

async function get<T>(
  client: ApiClient,
  { path, signal }: { readonly path: string; readonly signal: AbortSignal },
): Promise<T | undefined> {
  try {
    return await client.get<T>(path, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What has gone by itself is as good as deleted. */
async function remove(
  client: ApiClient,
  { one: { path, force, uid }, signal }: { readonly one: Doomed; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const body = {
    ...{ apiVersion: "v1", kind: "DeleteOptions" },
    ...(force ? { gracePeriodSeconds: 0 } : {}),
    ...(uid === undefined ? {} : { preconditions: { uid } }),
  };
  try {
    await client.delete(path, { body, signal });
    return undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    signal.throwIfAborted();
    return messageOf(error);
  }
}
