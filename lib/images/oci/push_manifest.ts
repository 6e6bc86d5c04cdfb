/**
 * Putting manifests into a repository, and taking them out.
 *
 * @module
 */
import { PullFailure } from "./failure.ts";
import { fromTag, type Referrer, referrersTag } from "./listing.ts";
import { OCI_INDEX } from "./media_types.ts";
import { digestOf, type Visit } from "./reading.ts";
import { isDigest } from "./reference.ts";
import type { Ask } from "./session.ts";

/** A manifest or an index to push. */
export interface NewManifest {
  /** Exactly as they are to be stored. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Sent as `Content-Type`. */
  readonly mediaType: string;
}

/** What was pushed. */
export interface PushedManifest {
  /** By which it can be pulled. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** The digest that the manifest's `subject` names, if there is one: it can be found by it now. */
  readonly subject?: string;
}

/**
 * Pushes a manifest under a tag, or by its digest alone.
 *
 * Where it has a `subject` and the registry keeps no list of referrers, the index under the subject's
 * tag `sha256-<hex>` is amended, as OCI distribution 1.1 asks of clients.
 */
export async function putManifest(
  visit: Visit,
  manifest: NewManifest,
  tag?: string,
): Promise<PushedManifest> {
  const { bytes, mediaType } = manifest;
  const digest = digestOf(bytes);
  const { subject, ...described } = describe(manifest, digest);
  const known = await put(visit, { bytes, mediaType, target: tag ?? digest });
  if (subject !== undefined && !known) await amendReferrers(visit, subject, described);
  return { digest, size: bytes.length, ...(subject === undefined ? {} : { subject }) };
}

/** Removes a manifest by its digest, or a tag by its name. */
export async function removeManifest(visit: Visit, target: string): Promise<void> {
  await remove(visit, {
    at: `manifests/${target}`,
    wanted: `deletion of "${target}" of "${visit.place.repository}"`,
  });
}

/** Removes a blob by its digest. */
export async function removeBlob(visit: Visit, digest: string): Promise<void> {
  await remove(visit, {
    at: `blobs/${digest}`,
    wanted: `deletion of blob "${digest}" of "${visit.place.repository}"`,
  });
}

/** True if the registry says that it understood the `subject`. */
async function put(
  visit: Visit,
  { bytes, mediaType, target }: NewManifest & { readonly target: string },
): Promise<boolean> {
  const { session, place } = visit;
  return await session.small(visit.signal, async (signal) => {
    const ask: Ask = {
      method: "PUT",
      at: `manifests/${target}`,
      headers: { "content-type": mediaType },
      body: bytes,
      wanted: `upload of manifest "${target}" to "${place.repository}"`,
      right: "push",
      signal,
    };
    const reply = await session.send(place, ask);
    if (reply.status < 200 || reply.status > 299) throw await session.refusal(reply, place, ask);
    await reply.discard();
    const digest = digestOf(bytes);
    const said = reply.headers.get("docker-content-digest") ?? "";
    if (said.startsWith("sha256:") && said !== digest) {
      throw new PullFailure(
        `registry "${place.registry}" took manifest ${digest} for another one: it says ${said}`,
      );
    }
    return reply.headers.has("oci-subject");
  });
}

async function remove(
  { session, place, signal }: Visit,
  { at, wanted }: { readonly at: string; readonly wanted: string },
): Promise<void> {
  await session.small(signal, async (signal) => {
    const ask: Ask = { method: "DELETE", at, wanted, right: "delete", signal };
    const reply = await session.send(place, ask);
    if (reply.status < 200 || reply.status > 299) throw await session.refusal(reply, place, ask);
    await reply.discard();
  });
}

async function amendReferrers(visit: Visit, subject: string, added: Referrer): Promise<void> {
  const known = await fromTag(visit, subject);
  if (known.some(({ digest }) => digest === added.digest)) return;
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...known, added] };
  const bytes = new TextEncoder().encode(JSON.stringify(index));
  await put(visit, { bytes, mediaType: OCI_INDEX, target: referrersTag(subject) });
}

function describe(
  { bytes, mediaType }: NewManifest,
  digest: string,
): Referrer & { readonly subject: string | undefined } {
  let body: Record<string, unknown>;
  try {
    body = Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new PullFailure(`the manifest that is to be pushed is not JSON`, { cause });
  }
  const subject = Object(body["subject"])["digest"];
  // A manifest that says nothing else is of the type of its config.
  const artifactType = body["artifactType"] ?? Object(body["config"])["mediaType"];
  const { annotations } = body;
  return {
    mediaType,
    digest,
    size: bytes.length,
    ...(typeof artifactType === "string" ? { artifactType } : {}),
    ...(typeof annotations === "object" && annotations !== null
      ? { annotations: annotations as Record<string, string> }
      : {}),
    subject: typeof subject === "string" && isDigest(subject) ? subject : undefined,
  };
}
