/**
 * Manifests and blobs of one place.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { PullFailure } from "./failure.ts";
import { MANIFEST_BYTES_MAX } from "./limits.ts";
import { MANIFEST_TYPES } from "./media_types.ts";
import type { Place } from "./places.ts";
import { isDigest } from "./reference.ts";
import type { Ask, Session } from "./session.ts";
import type { Reply } from "./transport.ts";

/** A manifest as the registry sent it. */
export interface FetchedManifest {
  /** Exactly as they were sent. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** `Content-Type` without parameters; empty if there was none. */
  readonly mediaType: string;
  /** Of exactly these bytes. */
  readonly digest: string;
}

/** With whom, where, and until when. */
export interface Visit {
  readonly session: Session;
  readonly place: Place;
  readonly signal: AbortSignal;
}

/** The digest behind a tag by a HEAD; undefined if the registry does not tell it. */
export async function readDigest(visit: Visit, target: string): Promise<string | undefined> {
  const { session, place } = visit;
  const reply = await session.send(place, manifestAsk("HEAD", target, visit));
  await reply.discard();
  const digest = reply.headers.get("docker-content-digest") ?? "";
  return reply.status === 200 && isDigest(digest) ? digest : undefined;
}

/** A manifest or an index by tag or digest. What was asked for by digest is checked. */
export async function readManifest(visit: Visit, target: string): Promise<FetchedManifest> {
  const { session, place } = visit;
  const ask = manifestAsk("GET", target, visit);
  const reply = await session.send(place, ask);
  if (reply.status !== 200) throw await session.refusal(reply, place, ask);
  const mediaType = (reply.headers.get("content-type") ?? "").split(";")[0]!.trim();
  if (/^text\/html$/i.test(mediaType)) {
    await reply.discard();
    throw new PullFailure(
      `host "${reply.url.host}" sent a web page instead of ${ask.wanted}; is it a registry, or is a ` +
        `log-in page in between?`,
    );
  }
  const bytes = await reply.bytes(MANIFEST_BYTES_MAX, "a manifest");
  const said = reply.headers.get("docker-content-digest") ?? "";
  const expected = isDigest(target) ? target : isDigest(said) ? said : undefined;
  const digest = digestOf(bytes, expected);
  if (expected !== undefined && digest !== expected) {
    throw mismatch("a manifest", { place, digest, expected });
  }
  return { bytes, mediaType, digest };
}

/** A small blob, such as a config, whole and checked against its digest. */
export async function readSmallBlob(
  visit: Visit,
  digest: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const reply = await openBlob(visit, digest);
  const bytes = await reply.bytes(MANIFEST_BYTES_MAX, "a config");
  const found = digestOf(bytes, digest);
  if (found === digest) return bytes;
  throw mismatch("a blob", { place: visit.place, digest: found, expected: digest });
}

/** True if the registry says by a HEAD that the repository has this blob. */
export async function tellsBlob(visit: Visit, digest: string): Promise<boolean> {
  const { session, place, signal } = visit;
  const wanted = `blob "${digest}" of "${place.repository}"`;
  const reply = await session.send(place, {
    method: "HEAD",
    at: `blobs/${digest}`,
    wanted,
    signal,
  });
  await reply.discard();
  return reply.status === 200;
}

/** Bytes of a blob, both ends included; without `to`, up to its end. */
export interface Range {
  /** The first byte. */
  readonly from: number;
  /** The last byte. */
  readonly to?: number;
}

/**
 * The head of a blob's answer: 206 with the range that was asked for, or 200 with the whole blob. The
 * caller reads it, checks the digest, and retries.
 */
export async function openBlob(visit: Visit, digest: string, range?: Range): Promise<Reply> {
  const { session, place, signal } = visit;
  const ask: Ask = {
    method: "GET",
    at: `blobs/${digest}`,
    headers: range === undefined ? {} : { range: `bytes=${range.from}-${range.to ?? ""}` },
    wanted: `blob "${digest}" of "${place.repository}"`,
    signal,
  };
  const reply = await session.send(place, ask);
  if (reply.status === 200) return reply;
  if (reply.status === 206 && range !== undefined && isRange(reply, range)) return reply;
  if ((reply.status === 206 || reply.status === 416) && range !== undefined) {
    await reply.discard();
    return await openBlob(visit, digest);
  }
  throw await session.refusal(reply, place, ask);
}

/** The digest of `bytes`, by the algorithm of `like`. */
export function digestOf(bytes: Uint8Array, like = "sha256:"): string {
  const algorithm = like.split(":")[0]!;
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** The failure of content that is not what its name says. */
export function mismatch(
  what: string,
  { place, digest, expected }: {
    readonly place: Place;
    readonly digest: string;
    readonly expected: string;
  },
): PullFailure {
  return new PullFailure(
    `digest mismatch: registry "${place.registry}" sent ${what} with digest ${digest} for ` +
      `${expected}; it is damaged there or was changed on the way: push it again`,
  );
}

function manifestAsk(method: "GET" | "HEAD", target: string, { place, signal }: Visit): Ask {
  return {
    method,
    at: `manifests/${target}`,
    headers: { accept: MANIFEST_TYPES.join(", ") },
    wanted: `manifest "${target}" of "${place.repository}"`,
    signal,
  };
}

function isRange(reply: Reply, { from, to }: Range): boolean {
  const said = (reply.headers.get("content-range") ?? "").toLowerCase();
  return said.startsWith(to === undefined ? `bytes ${from}-` : `bytes ${from}-${to}/`);
}
