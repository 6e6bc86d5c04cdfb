/**
 * A registry in the test's process, on a real socket, that misbehaves on demand.
 *
 * @module
 */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
// @ts-types="@types/node-forge"
import forge from "node-forge";
import { DOCKER_MANIFEST, OCI_MANIFEST } from "./media_types.ts";
import { digestOf } from "./reading.ts";
import { answerList, answerWrite, type Written } from "./_test_registry_pages.ts";

/** The smallest module there is. */
export const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** A module of `size` bytes: noise from `seed`, so that no two parts of it are alike. */
export function moduleOf(size: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, x = seed + 0x9e3779b9; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  const bytes = new Uint8Array(words.buffer, 0, size);
  bytes.set(MODULE);
  return bytes;
}

export { digestOf };

/** A request, as the server saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** Answers a request instead of the registry if it returns true. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Options of a {@linkcode TestRegistry}. */
export interface RegistryOptions {
  /** Certificate and key; without them it speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly auth?:
    | { readonly kind: "basic"; readonly user: string; readonly password: string }
    | {
      readonly kind: "token";
      readonly realm: string;
      readonly accepts: (token: string) => boolean;
    };
}

/** An HTTP server on a free port of 127.0.0.1. */
export class TestServer implements AsyncDisposable {
  readonly seen: Seen[] = [];
  fault: Fault | undefined;
  readonly #server: Server;

  protected constructor(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    tls: RegistryOptions["tls"],
  ) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.seen.push({
        method: request.method!,
        path: request.url!,
        authorization: request.headers.authorization,
        range: request.headers.range,
      });
      request.resume();
      if (this.fault?.(request, response) !== true) answer.call(this, request, response);
    };
    this.#server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  }

  static async answering(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    tls?: RegistryOptions["tls"],
  ): Promise<TestServer> {
    const server = new TestServer(answer, tls);
    await server.listen();
    return server;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A registry whose content is two maps. */
export class TestRegistry extends TestServer implements Written {
  readonly uploads = new Map<string, Uint8Array>();
  quirks: Written["quirks"] = {};
  readonly blobs = new Map<string, Uint8Array>();
  readonly manifests = new Map<string, { bytes: Uint8Array; type: string }>();

  static async start(options: RegistryOptions = {}): Promise<TestRegistry> {
    const registry = new TestRegistry(options);
    await registry.listen();
    return registry;
  }

  private constructor(options: RegistryOptions) {
    super((request, response) => {
      if (authorized(request, response, options.auth)) this.#answer(request, response);
    }, options.tls);
  }

  /** Adds a blob and returns its descriptor. */
  blob(bytes: Uint8Array, mediaType: string, more: Record<string, unknown> = {}): object {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length, ...more };
  }

  /** Adds a manifest under a tag and its digest; returns the digest. */
  manifest(repository: string, tag: string, body: object, type = OCI_MANIFEST): string {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const digest = digestOf(bytes);
    for (const target of [tag, digest]) {
      this.manifests.set(`${repository} ${target}`, { bytes, type });
    }
    return digest;
  }

  /** Adds an artifact as wasm-to-oci writes it; returns the manifest's digest. */
  artifact(repository: string, tag: string, module: Uint8Array, title = "app.wasm"): string {
    const annotations = { "org.opencontainers.image.title": title };
    return this.manifest(repository, tag, {
      schemaVersion: 2,
      config: this.blob(new TextEncoder().encode("{}"), "application/vnd.wasm.config.v1+json"),
      layers: [this.blob(module, "application/vnd.wasm.content.layer.v1+wasm", { annotations })],
    });
  }

  /** Adds a container image of this platform; returns the manifest's digest. */
  containerImage(repository: string, tag: string, config: object): string {
    const bytes = new TextEncoder().encode(JSON.stringify(config));
    return this.manifest(repository, tag, {
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: this.blob(bytes, "application/vnd.docker.container.image.v1+json"),
      layers: [
        this.blob(Uint8Array.of(31, 139), "application/vnd.docker.image.rootfs.diff.tar.gzip"),
      ],
    }, DOCKER_MANIFEST);
  }

  /** Requests for blobs that were seen. */
  downloads(digest: string): readonly Seen[] {
    return this.seen.filter(({ path }) => path.endsWith(`/blobs/${digest}`));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, "http://registry");
    if (url.pathname === "/v2/") {
      response.end("{}");
      return;
    }
    if (answerWrite(this, { request, response, url }) || answerList(this, { response, url })) {
      return;
    }
    const [, repository, kind, target] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/
      .exec(url.pathname) ?? [];
    const manifest = kind === "manifests"
      ? this.manifests.get(`${repository} ${target}`)
      : undefined;
    const bytes = manifest?.bytes ?? (kind === "blobs" ? this.blobs.get(target!) : undefined);
    if (bytes === undefined) {
      const code = kind === "blobs" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
      response.writeHead(404, { "content-type": "application/json" });
      response.end(JSON.stringify({ errors: [{ code, message: "not known here" }] }));
      return;
    }
    const [range, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const from = Number(first ?? 0);
    const to = last === undefined || last === "" ? bytes.length - 1 : Number(last);
    response.writeHead(range === undefined ? 200 : 206, {
      "content-type": manifest?.type ?? "application/octet-stream",
      "content-length": to - from + 1,
      ...(range === undefined ? {} : { "content-range": `bytes ${from}-${to}/${bytes.length}` }),
      ...(manifest === undefined ? {} : { "docker-content-digest": digestOf(bytes) }),
    });
    response.end(request.method === "HEAD" ? undefined : bytes.subarray(from, to + 1));
  }
}

function authorized(
  request: IncomingMessage,
  response: ServerResponse,
  auth: RegistryOptions["auth"],
): boolean {
  const given = request.headers.authorization ?? "";
  if (auth === undefined) return true;
  if (auth.kind === "basic" && given === `Basic ${btoa(`${auth.user}:${auth.password}`)}`) {
    return true;
  }
  if (auth.kind === "token" && auth.accepts(given.replace(/^Bearer /, ""))) return true;
  const challenge = auth.kind === "basic"
    ? `Basic realm="test"`
    : `Bearer realm="${auth.realm}",service="test.registry"`;
  response.writeHead(401, { "www-authenticate": challenge, "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED" }] }));
  return false;
}

/** A CA, and a server's certificate by it for 127.0.0.1, in PEM. */
export function makeCertificates(
  options: { readonly name?: string; readonly days?: number } = {},
): { readonly ca: string; readonly cert: string; readonly key: string } {
  const { name = "127.0.0.1", days = 1 } = options;
  const pair = (): { publicKey: string; privateKey: string } =>
    generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
  const ca = { keys: pair(), subject: [{ name: "commonName", value: "Test CA" }] };
  const leaf = { keys: pair(), subject: [{ name: "commonName", value: "registry" }] };
  const sign = (
    who: typeof ca,
    { daysValid, extensions }: { daysValid: number; extensions: object[] },
  ): string => {
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = forge.pki.publicKeyFromPem(who.keys.publicKey);
    certificate.serialNumber = `01${crypto.randomUUID().replaceAll("-", "")}`;
    certificate.validity.notBefore = new Date(Date.now() - 2 * 86_400_000);
    certificate.validity.notAfter = new Date(Date.now() + daysValid * 86_400_000);
    certificate.setSubject(who.subject);
    certificate.setIssuer(ca.subject);
    certificate.setExtensions(extensions);
    certificate.sign(
      forge.pki.privateKeyFromPem(ca.keys.privateKey),
      forge.md.sha256.create(),
    );
    return forge.pki.certificateToPem(certificate);
  };
  const altName = /^[\d.]+$/.test(name) ? { type: 7, ip: name } : { type: 2, value: name };
  return {
    ca: sign(ca, {
      daysValid: 2,
      extensions: [{ name: "basicConstraints", cA: true, critical: true }],
    }),
    cert: sign(leaf, {
      daysValid: days,
      extensions: [
        { name: "basicConstraints", cA: false },
        { name: "extKeyUsage", serverAuth: true },
        { name: "subjectAltName", altNames: [altName] },
      ],
    }),
    key: leaf.keys.privateKey,
  };
}

/** An empty folder that is removed at the end of the scope. */
export class TestDir implements AsyncDisposable {
  readonly path: string;
  constructor() {
    this.path = Deno.makeTempDirSync({ prefix: "krustlet-images-" });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Names of what is in a folder; none if it is not there. */
export function names(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map((entry) => entry.name);
  } catch {
    return [];
  }
}
