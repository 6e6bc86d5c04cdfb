/**
 * Lists that a registry keeps: tags, and what refers to a manifest.
 *
 * @module
 */
import { PullFailure } from "./failure.ts";
import { PAGE_BYTES_MAX, PAGES_MAX } from "./limits.ts";
import { OCI_INDEX } from "./media_types.ts";
import { readManifest, type Visit } from "./reading.ts";
import { isDigest } from "./reference.ts";
import type { Reply } from "./transport.ts";

const LIST_TYPES = `${OCI_INDEX}, application/json`;

/** A manifest that refers to another, as the registry's index names it. */
export interface Referrer {
  /** Of the manifest that refers. */
  readonly mediaType: string;
  /** Of the manifest that refers. */
  readonly digest: string;
  /** Of the manifest that refers, in bytes. */
  readonly size: number;
  /** What it is, where it says so. */
  readonly artifactType?: string;
  /** Those of the manifest that refers. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** All tags of a repository, a page at a time, in the registry's order. */
export async function* readTags(
  visit: Visit,
  options: { readonly pageSize?: number | undefined } = {},
): AsyncGenerator<string> {
  const { pageSize } = options;
  const first = pageSize === undefined ? "tags/list" : `tags/list?n=${pageSize}`;
  for await (const page of pages(visit, first, `tags of "${visit.place.repository}"`)) {
    const tags = page.body["tags"] ?? [];
    if (!Array.isArray(tags)) throw nonsense(page.reply);
    yield* tags.filter((tag) => typeof tag === "string");
  }
}

/**
 * What refers to the manifest with this digest (OCI distribution 1.1): by the registry's own list, or
 * where it has none by the index that clients keep under the tag `sha256-<hex>`.
 */
export async function readReferrers(
  visit: Visit,
  digest: string,
  options: { readonly artifactType?: string | undefined } = {},
): Promise<readonly Referrer[]> {
  const { artifactType } = options;
  const found = await fromApi(visit, digest, artifactType) ?? await fromTag(visit, digest);
  // A registry may have filtered already, and need not.
  return found.filter((one) => artifactType === undefined || one.artifactType === artifactType);
}

/** The tag under which clients keep referrers for a registry that does not. */
export function referrersTag(digest: string): string {
  return digest.replace(":", "-");
}

/** What an index under {@linkcode referrersTag} names; nothing if there is none. */
export async function fromTag(visit: Visit, digest: string): Promise<readonly Referrer[]> {
  try {
    const { bytes, mediaType } = await readManifest(visit, referrersTag(digest));
    if (mediaType !== "" && mediaType !== OCI_INDEX) return [];
    return referrersIn(parse(bytes, visit.place.registry));
  } catch (error) {
    if (error instanceof PullFailure && error.status === 404) return [];
    throw error;
  }
}

async function fromApi(
  visit: Visit,
  digest: string,
  artifactType: string | undefined,
): Promise<readonly Referrer[] | undefined> {
  const query = artifactType === undefined
    ? ""
    : `?artifactType=${encodeURIComponent(artifactType)}`;
  const wanted = `referrers of "${digest}"`;
  const found: Referrer[] = [];
  try {
    for await (const { body } of pages(visit, `referrers/${digest}${query}`, wanted)) {
      if (!Array.isArray(body["manifests"])) return undefined;
      found.push(...referrersIn(body));
    }
    return found;
  } catch (error) {
    // Before 1.1 there is no such list, and registries say so in several ways.
    if (error instanceof PullFailure && [400, 404, 405].includes(error.status ?? 0)) {
      return undefined;
    }
    throw error;
  }
}

interface Page {
  readonly reply: Reply;
  readonly body: Readonly<Record<string, unknown>>;
}

async function* pages(visit: Visit, first: string, wanted: string): AsyncGenerator<Page> {
  const { session, place, signal } = visit;
  let at: string | URL | undefined = first;
  const seen = new Set<string>();
  for (let count = 0; at !== undefined; count++) {
    const ask = { method: "GET", at, headers: { accept: LIST_TYPES }, wanted } as const;
    const { reply, body } = await session.small(signal, async (signal) => {
      const reply = await session.send(place, { ...ask, signal });
      if (reply.status !== 200) throw await session.refusal(reply, place, { ...ask, signal });
      return { reply, body: parse(await reply.bytes(PAGE_BYTES_MAX), place.registry) };
    });
    yield { reply, body };
    at = nextPage(reply);
    if (at !== undefined && (seen.has(at.href) || count >= PAGES_MAX)) {
      throw new PullFailure(`registry "${place.registry}" sends ${wanted} without an end`);
    }
    if (at !== undefined) seen.add(at.href);
  }
}

/** The `Link` with `rel="next"` (RFC 8288), if it stays on the same server. */
function nextPage(reply: Reply): URL | undefined {
  const [, target] = /<([^<>]*)>\s*;[^,<]*\brel\s*=\s*"?next\b/i.exec(
    (reply.headers.get("link") ?? "").slice(0, 8 * 1024),
  ) ?? [];
  if (target === undefined) return undefined;
  const url = URL.parse(target, reply.url);
  if (url?.origin === reply.url.origin) return url;
  throw new PullFailure(`host "${reply.url.host}" continues its list on another host`);
}

function referrersIn(body: Readonly<Record<string, unknown>>): Referrer[] {
  const entries = Array.isArray(body["manifests"]) ? body["manifests"] : [];
  return entries.filter(isReferrer);
}

function isReferrer(value: unknown): value is Referrer {
  if (typeof value !== "object" || value === null) return false;
  const { mediaType, digest, size, artifactType } = value as Record<string, unknown>;
  return typeof mediaType === "string" && typeof digest === "string" && isDigest(digest) &&
    Number.isSafeInteger(size) && ["string", "undefined"].includes(typeof artifactType);
}

function parse(bytes: Uint8Array, registry: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new PullFailure(
      `registry "${registry}" sent a list that is not JSON; is it a registry?`,
      {
        cause: error,
      },
    );
  }
}

function nonsense(reply: Reply): PullFailure {
  return new PullFailure(`host "${reply.url.host}" sent no list of tags; is it a registry?`);
}
