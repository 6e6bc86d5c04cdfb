/**
 * The test registry's uploads and lists.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { OCI_INDEX } from "./media_types.ts";
import { digestOf } from "./reading.ts";

/** What a registry keeps, and in what it differs from others. */
export interface Written {
  readonly blobs: Map<string, Uint8Array>;
  readonly manifests: Map<string, { bytes: Uint8Array; type: string }>;
  /** Unfinished ones by their ids. */
  readonly uploads: Map<string, Uint8Array>;
  readonly quirks: {
    readonly mounts?: boolean;
    /** Knows no referrers, as before OCI distribution 1.1. */
    readonly old?: boolean;
    /** Refuses PATCH with Content-Range. */
    readonly noChunks?: boolean;
    readonly location?: (path: string) => string;
    readonly chunkBytesMin?: number;
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

/** Answers what changes the registry's content; false for everything else. */
export function answerWrite(registry: Written, exchange: Exchange): boolean {
  const { request, url: { pathname } } = exchange;
  const [, repository, manifest] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(pathname) ?? [];
  const [, , upload] = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/.exec(pathname) ?? [];
  const [, , blob] = /^\/v2\/(.+)\/blobs\/([^/]+)$/.exec(pathname) ?? [];
  if (request.method === "DELETE") {
    const found = manifest === undefined
      ? registry.blobs.delete(blob!)
      : registry.manifests.delete(`${repository} ${manifest}`);
    exchange.response.writeHead(found ? 202 : 404).end();
  } else if (request.method === "PUT" && manifest !== undefined) {
    withBody(request, (bytes) => putManifest(registry, exchange, { repository, manifest, bytes }));
  } else if (upload !== undefined) {
    withBody(request, (bytes) => answerUpload(registry, exchange, { upload, bytes }));
  } else return false;
  return true;
}

/** Answers tags and referrers; false for everything else. */
export function answerList(
  registry: Written,
  { response, url }: Omit<Exchange, "request">,
): boolean {
  const [, repository] = /^\/v2\/(.+)\/tags\/list$/.exec(url.pathname) ?? [];
  const [, , subject] = /^\/v2\/(.+)\/referrers\/([^/]+)$/.exec(url.pathname) ?? [];
  if (repository !== undefined) {
    const all = [...registry.manifests.keys()].filter((key) => key.startsWith(`${repository} `))
      .map((key) => key.split(" ")[1]!).filter((tag) => !tag.includes(":")).sort();
    const count = Number(url.searchParams.get("n") ?? all.length);
    const begin = all.findIndex((tag) => tag > (url.searchParams.get("last") ?? ""));
    const tags = begin < 0 ? [] : all.slice(begin, begin + count);
    if (tags.length > 0 && tags.at(-1) !== all.at(-1)) {
      response.setHeader("link", `<${url.pathname}?n=${count}&last=${tags.at(-1)}>; rel="next"`);
    }
    response.end(JSON.stringify({ name: repository, tags }));
  } else if (subject !== undefined && registry.quirks.old !== true) {
    const manifests = [...new Set(registry.manifests.values())].flatMap(({ bytes, type }) => {
      const body = JSON.parse(new TextDecoder().decode(bytes));
      if (body.subject?.digest !== subject) return [];
      const { artifactType, annotations } = body;
      const descriptor = { mediaType: type, digest: digestOf(bytes), size: bytes.length };
      return [{ ...descriptor, artifactType, annotations }];
    });
    response.setHeader("content-type", OCI_INDEX);
    response.end(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  } else return false;
  return true;
}

function putManifest(
  registry: Written,
  { request, response }: Exchange,
  options: { repository: string | undefined; manifest: string; bytes: Uint8Array },
): void {
  const { repository, manifest, bytes } = options;
  const digest = digestOf(bytes);
  const kept = { bytes, type: request.headers["content-type"] ?? "" };
  for (const target of [manifest, digest]) registry.manifests.set(`${repository} ${target}`, kept);
  const subject = JSON.parse(new TextDecoder().decode(bytes)).subject?.digest;
  const knows = subject !== undefined && registry.quirks.old !== true;
  response.writeHead(201, {
    "docker-content-digest": digest,
    ...(knows ? { "oci-subject": subject } : {}),
  }).end();
}

function answerUpload(
  registry: Written,
  { request, response, url }: Exchange,
  { upload, bytes }: { readonly upload: string; readonly bytes: Uint8Array },
): void {
  const { uploads, blobs, quirks } = registry;
  const path = url.pathname.replace(/[^/]*$/, "");
  const went = (id: string, status: number): void => {
    const size = uploads.get(id)!.length;
    const location = `${path}${id}?_state=a%2Bb%3D&x`;
    response.writeHead(status, {
      location: quirks.location?.(location) ?? location,
      range: `0-${Math.max(0, size - 1)}`,
      ...(quirks.chunkBytesMin === undefined
        ? {}
        : { "oci-chunk-min-length": quirks.chunkBytesMin }),
    }).end();
  };
  if (request.method === "POST") {
    const mounted = url.searchParams.get("mount") ?? "";
    if (quirks.mounts === true && blobs.has(mounted)) response.writeHead(201).end();
    else went(begin(uploads), 202);
    return;
  }
  const there = uploads.get(upload);
  if (there === undefined || url.search.slice(0, 18) !== "?_state=a%2Bb%3D&x") {
    response.writeHead(404).end();
  } else if (request.method === "GET") went(upload, 204);
  else if (request.method === "PATCH") {
    const range = request.headers["content-range"];
    if (range !== undefined && quirks.noChunks === true) response.writeHead(405).end();
    else if (range !== undefined && Number(range.split("-")[0]) !== there.length) {
      response.writeHead(416).end();
    } else {
      uploads.set(upload, join(there, bytes));
      went(upload, 202);
    }
  } else if (request.method === "PUT") {
    const whole = join(there, bytes);
    const said = url.searchParams.get("digest");
    if (said !== digestOf(whole)) {
      response.writeHead(400, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ errors: [{ code: "DIGEST_INVALID", message: "not these bytes" }] }),
      );
      return;
    }
    uploads.delete(upload);
    blobs.set(said, whole);
    response.writeHead(201).end();
  } else response.writeHead(405).end();
}

function begin(uploads: Map<string, Uint8Array>): string {
  const id = crypto.randomUUID();
  uploads.set(id, new Uint8Array());
  return id;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function withBody(request: IncomingMessage, then: (bytes: Uint8Array) => void): void {
  const pieces: Uint8Array[] = [];
  request.on("data", (piece: Uint8Array) => pieces.push(piece));
  request.on("end", () => then(pieces.reduce(join, new Uint8Array())));
}
