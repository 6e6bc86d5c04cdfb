/**
 * A client of OCI registries: it pulls and pushes manifests and blobs, and knows nothing of what is in
 * them, nor of Kubernetes.
 *
 * It speaks the OCI distribution specification 1.1 and the token protocol of the distribution project,
 * checks every digest of what it reads whole, follows no redirect with credentials in hand, and lets
 * every wait end.
 *
 * @example Push a module and read it back
 * ```ts
 * import { type Access, bytesSource, OciClient, parseReference, target } from "./mod.ts";
 *
 * const reference = parseReference("localhost:5000/hello:v1");
 * const access: Access = { ...reference, credential: undefined };
 * const { signal } = new AbortController();
 * using client = new OciClient({ insecure: ["localhost:5000"] });
 *
 * const module = bytesSource(await Deno.readFile("hello.wasm"));
 * await client.pushBlob(access, module, { signal });
 * for await (const tag of client.tags(access, { signal })) console.log(tag);
 * const { digest } = await client.manifest(access, target(reference), { signal });
 * console.log(digest);
 * ```
 *
 * @module
 */
export { OciClient, type OciClientOptions, type Pong, type Until } from "./client.ts";
export type { ClientCertificate, Trust } from "./clients.ts";
export { type Credential, fingerprint } from "./credential.ts";
export type { BlobName } from "./download.ts";
export { PullFailure } from "./failure.ts";
export type { Referrer } from "./listing.ts";
export type { Sink } from "./parts.ts";
export type { MirrorLogin, Registries } from "./places.ts";
export { advise, type Problem } from "./problem.ts";
export type { NewManifest, PushedManifest } from "./push_manifest.ts";
export type { FetchedManifest, Range } from "./reading.ts";
export {
  formatReference,
  InvalidReference,
  isDigest,
  parseReference,
  type Reference,
  target,
} from "./reference.ts";
export type { Reply } from "./reply.ts";
export { type BlobSource, bytesSource, fileSource } from "./source.ts";
export type { Access } from "./tokens.ts";
export type { Fetch, TransportOptions } from "./transport.ts";
export type { Pushed, UploadOptions } from "./upload.ts";
