/**
 * A real OCI registry as a process, empty at its start.
 *
 * @module
 */
import { join } from "node:path";
import { goProgram } from "../parts/go_program.ts";
import { eventually } from "./eventually.ts";
import { startProcess } from "./processes.ts";
import type { RegistryAddress } from "./push.ts";
import { tempFolder } from "./temp_folder.ts";

/** A running registry. */
export interface Registry extends RegistryAddress, AsyncDisposable {
  /** Where its blobs are: a test may spoil them. */
  readonly storage: string;
  /** All requests so far, as `GET /v2/hello/manifests/v1`. */
  requests(): Promise<string[]>;
}

/**
 * Starts a registry on a free port: anonymous and without TLS if nothing else is said.
 *
 * `certs` is a folder that the aide filled: the registry then serves HTTPS with a certificate of that
 * cluster's authority.
 */
export async function startRegistry(
  options: {
    readonly certs?: string;
    readonly auth?: "none" | "basic" | "token";
    readonly user?: string;
    readonly password?: string;
  } = {},
): Promise<Registry> {
  const { certs, auth = "none", user = "", password = "" } = options;
  const folder = await tempFolder();
  const storage = join(folder.path, "storage");
  const requests = join(folder.path, "requests.log");
  const credentials = auth === "none" ? [] : ["-user", user, "-password", password];
  const tls = certs === undefined
    ? []
    : ["-cert", join(certs, "registry.crt"), "-key", join(certs, "registry.key")];
  const process = await startProcess(
    [
      await goProgram("registry"),
      ...["-storage", storage, "-requests", requests, "-auth", auth, ...credentials, ...tls],
    ],
    { name: "registry", logPath: join(folder.path, "registry.log") },
  );
  const host = await eventually("the registry to listen", async () => {
    await process.mustRun();
    return /^\{"address":"(.+)"\}$/m.exec(await process.log())?.[1];
  });
  return {
    host,
    storage,
    requests: async () => (await Deno.readTextFile(requests)).trimEnd().split("\n"),
    ...(certs === undefined ? {} : { caPem: await Deno.readTextFile(join(certs, "ca.crt")) }),
    ...(auth === "none" ? {} : { user, password }),
    [Symbol.asyncDispose]: async () => {
      await process.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Changes one byte of a blob behind the registry's back, so that its digest is a lie. */
export async function spoilBlob(registry: Registry, digest: string): Promise<void> {
  const [algorithm = "", hex = ""] = digest.split(":");
  const blobs = join(registry.storage, "docker/registry/v2/blobs", algorithm);
  const path = join(blobs, hex.slice(0, 2), hex, "data");
  const bytes = await Deno.readFile(path);
  const last = bytes.length - 1;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  await Deno.writeFile(path, bytes);
}
