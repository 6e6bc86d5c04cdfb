/**
 * Pushes artifacts, good and bad ones, to a registry, by the distribution specification alone.
 *
 * @module
 */
import { createHash } from "node:crypto";

/** How to reach a registry and as whom. */
export interface RegistryAddress {
  /** `host:port`. */
  readonly host: string;
  /** Present if it speaks TLS. */
  readonly caPem?: string;
  readonly user?: string;
  readonly password?: string;
}

/** The media types of the two ways in which Wasm modules are published. */
const LAYOUTS = {
  "wasm-to-oci": {
    config: "application/vnd.wasm.config.v1+json",
    layer: "application/vnd.wasm.content.layer.v1+wasm",
  },
  "oci-wasm": {
    config: "application/vnd.wasm.config.v0+json",
    layer: "application/wasm",
  },
} as const;

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** What a push has made. */
export interface Pushed {
  /** `host:port/repo:tag`: what a pod's `image` says. */
  readonly image: string;
  /** `host:port/repo@sha256:…`. */
  readonly pinned: string;
  readonly manifestDigest: string;
  readonly layerDigest: string;
}

/** Pushes one module as an artifact. */
export async function pushArtifact(
  registry: RegistryAddress,
  artifact: {
    readonly repo: string;
    readonly tag?: string;
    readonly wasm: Uint8Array;
    /** @default "wasm-to-oci" */
    readonly layout?: keyof typeof LAYOUTS;
    /** Instead of the layout's: a media type that nobody knows, for example. */
    readonly layerType?: string;
    /** Instead of the layout's, as `application/vnd.oci.image.config.v1+json`. */
    readonly configType?: string;
    /** Instead of an empty object. */
    readonly config?: unknown;
    /** Instead of an OCI manifest, as `application/vnd.docker.distribution.manifest.v2+json`. */
    readonly manifestType?: string;
    /** Files beside the module, by path. */
    readonly files?: Readonly<Record<string, Uint8Array>>;
  },
): Promise<Pushed> {
  const { repo, tag = "v1", wasm, layout = "wasm-to-oci", config = {} } = artifact;
  const types = LAYOUTS[layout];
  const configBytes = new TextEncoder().encode(JSON.stringify(config));
  const mediaType = artifact.manifestType ?? OCI_MANIFEST;
  const layerDigest = await putBlob(registry, repo, wasm);
  const files = await Promise.all(
    Object.entries(artifact.files ?? {}).map(async ([title, bytes]) => ({
      mediaType: "application/octet-stream",
      digest: await putBlob(registry, repo, bytes),
      size: bytes.length,
      annotations: { "org.opencontainers.image.title": title },
    })),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: {
      mediaType: artifact.configType ?? types.config,
      digest: await putBlob(registry, repo, configBytes),
      size: configBytes.length,
    },
    layers: [{
      mediaType: artifact.layerType ?? types.layer,
      digest: layerDigest,
      size: wasm.length,
      annotations: { "org.opencontainers.image.title": "module.wasm" },
    }, ...files],
  };
  const manifestDigest = await putManifest(registry, { repo, tag, mediaType, manifest });
  const name = `${registry.host}/${repo}`;
  return {
    image: `${name}:${tag}`,
    pinned: `${name}@${manifestDigest}`,
    manifestDigest,
    layerDigest,
  };
}

/** Pushes an ordinary container image for Linux, as small as one can be. */
export async function pushLinuxImage(registry: RegistryAddress, repo: string): Promise<Pushed> {
  return await pushArtifact(registry, {
    repo,
    wasm: new TextEncoder().encode("not even a tar file"),
    layerType: "application/vnd.oci.image.layer.v1.tar+gzip",
    configType: "application/vnd.oci.image.config.v1+json",
    config: { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } },
  });
}

/** Uploads one blob and answers its digest. */
export async function putBlob(
  registry: RegistryAddress,
  repo: string,
  bytes: Uint8Array,
): Promise<string> {
  const digest = digestOf(bytes);
  const begun = await ask(registry, repo, "POST", `/v2/${repo}/blobs/uploads/`);
  const location = new URL(begun.headers.get("location") ?? "", originOf(registry));
  location.searchParams.set("digest", digest);
  await ask(registry, repo, "PUT", location.pathname + location.search, {
    body: bytes,
    type: "application/octet-stream",
  });
  return digest;
}

/** Uploads any manifest and answers its digest. */
export async function putManifest(
  registry: RegistryAddress,
  upload: {
    readonly repo: string;
    readonly tag: string;
    readonly mediaType: string;
    readonly manifest: unknown;
  },
): Promise<string> {
  const { repo, tag, mediaType, manifest } = upload;
  const body = new TextEncoder().encode(JSON.stringify(manifest));
  await ask(registry, repo, "PUT", `/v2/${repo}/manifests/${tag}`, { body, type: mediaType });
  return digestOf(body);
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function originOf({ host, caPem }: RegistryAddress): string {
  return `${caPem === undefined ? "http" : "https"}://${host}`;
}

/** One request, with the answer to a challenge if there is one. The answer's body is not of interest. */
async function ask(
  registry: RegistryAddress,
  repo: string,
  method: string,
  path: string,
  upload?: { readonly body: Uint8Array; readonly type: string },
): Promise<Response> {
  using client = Deno.createHttpClient(
    registry.caPem === undefined ? {} : { caCerts: [registry.caPem] },
  );
  const send = async (authorization?: string): Promise<Response> => {
    const response = await fetch(originOf(registry) + path, {
      method,
      client,
      headers: {
        ...(upload === undefined ? {} : { "content-type": upload.type }),
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(upload === undefined ? {} : { body: upload.body.slice() }),
    });
    const text = await response.text();
    if (response.ok || (response.status === 401 && authorization === undefined)) return response;
    throw new Error(`${method} ${path}: ${response.status} ${text}`);
  };
  const response = await send();
  if (response.ok) return response;
  return await send(await authorizationFor(registry, repo, response, client));
}

async function authorizationFor(
  { user = "", password = "" }: RegistryAddress,
  repo: string,
  refused: Response,
  client: Deno.HttpClient,
): Promise<string> {
  const basic = `Basic ${btoa(`${user}:${password}`)}`;
  const challenge = refused.headers.get("www-authenticate") ?? "";
  if (!/^Bearer /i.test(challenge)) return basic;
  const parameter = (name: string): string =>
    new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? "";
  const url = new URL(parameter("realm"));
  url.searchParams.set("service", parameter("service"));
  url.searchParams.set("scope", `repository:${repo}:pull,push`);
  const response = await fetch(url, { client, headers: { authorization: basic } });
  const { token } = await response.json() as { token: string };
  return `Bearer ${token}`;
}
