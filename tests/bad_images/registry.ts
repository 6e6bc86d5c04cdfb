/**
 * A registry in the test's process that serves whatever it is told, and misbehaves where it is told to.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { KeyPair } from "./certificates.ts";

/** What points at a blob in a manifest. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Answers a request for something of one repository; `serve` answers it as a good registry would. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  serve: () => void,
) => void;

/** The media type of most manifests here. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** Serves manifests and blobs, all blobs in all repositories. */
export class BadRegistry implements AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** The same place under another name. */
  readonly otherHost: string;
  readonly #server: Server;
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #manifests = new Map<string, { readonly type: string; readonly bytes: Uint8Array }>();
  readonly #answers = new Map<string, Answer>();

  /** Listens on a free port of this machine: with TLS if it is given a certificate. */
  static async start(tls?: KeyPair & { readonly clientCa?: string }): Promise<BadRegistry> {
    const registries: BadRegistry[] = [];
    const take = (request: IncomingMessage, response: ServerResponse): void =>
      registries[0]?.take(request, response);
    const server = tls === undefined ? createServer(take) : createTlsServer({
      ...tls,
      ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true }),
    }, take);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const registry = new BadRegistry(server, port);
    registries.push(registry);
    return registry;
  }

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.host = `127.0.0.1:${port}`;
    this.otherHost = `localhost:${port}`;
  }

  /** Has a blob, and answers what points at it. */
  blob(
    bytes: Uint8Array | string,
    mediaType: string,
    more: Partial<Descriptor> = {},
  ): Descriptor {
    const body = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    const digest = digestOf(body);
    this.#blobs.set(digest, body);
    return { mediaType, digest, size: body.length, ...more };
  }

  /** Has a manifest, which may be anything, and answers its digest. */
  manifest(
    repo: string,
    body: unknown,
    options: { readonly tag?: string; readonly type?: string } = {},
  ): string {
    const { tag = "v1", type = OCI_MANIFEST } = options;
    const bytes = body instanceof Uint8Array
      ? body
      : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
    const digest = digestOf(bytes);
    for (const name of [tag, digest]) this.#manifests.set(`${repo} ${name}`, { type, bytes });
    return digest;
  }

  /** From now on, this answers all that is asked of a repository. */
  answers(repo: string, answer: Answer): void {
    this.#answers.set(repo, answer);
  }

  /** `host/repo:v1`, the name of an image here. */
  image(repo: string): string {
    return `${this.host}/${repo}:v1`;
  }

  /** Answers one request. */
  take(request: IncomingMessage, response: ServerResponse): void {
    // Whoever asked may go away in the middle: that is what some are here to try.
    response.on("error", () => {});
    request.resume();
    const url = new URL(request.url ?? "/", `http://${this.host}`);
    const [, repo = "", kind, name = ""] =
      /^\/v2\/(.+?)\/(manifests|blobs|referrers|token)(?:\/([^/]*))?$/.exec(url.pathname) ?? [];
    const serve = (): void => this.#serve(response, { key: `${repo} ${name}`, name, kind });
    const answer = this.#answers.get(repo);
    if (answer === undefined) serve();
    else answer(request, response, serve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(
    response: ServerResponse,
    { key, name, kind }: {
      readonly key: string;
      readonly name: string;
      readonly kind: string | undefined;
    },
  ): void {
    const manifest = kind === "manifests" ? this.#manifests.get(key) : undefined;
    const bytes = kind === "blobs" ? this.#blobs.get(name) : manifest?.bytes;
    if (bytes === undefined) {
      const code = kind === "manifests" ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN";
      sendJson(response, 404, { errors: [{ code, message: "there is no such thing" }] });
      return;
    }
    response.writeHead(200, {
      "content-type": manifest?.type ?? "application/octet-stream",
      "content-length": bytes.length,
    }).end(bytes);
  }
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** `sha256:…` of these bytes. */
export function digestOf(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
