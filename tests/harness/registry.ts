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
  /** The authority behind its TLS certificate, if it has one. */
  readonly caPath: string | undefined;
  /** How often it was asked so far, by method and path, as its log tells. */
  log(): Promise<string>;
}

/** Starts a registry on a free port: anonymous and without TLS if nothing else is said. */
export async function startRegistry(
  options: {
    readonly tls?: boolean;
    readonly auth?: "none" | "basic" | "token";
    readonly user?: string;
    readonly password?: string;
  } = {},
): Promise<Registry> {
  const { tls = false, auth = "none", user = "", password = "" } = options;
  const folder = await tempFolder();
  const storage = join(folder.path, "storage");
  const credentials = auth === "none" ? [] : ["-user", user, "-password", password];
  const process = await startProcess(
    [
      await goProgram("registry"),
      ...["-storage", storage, "-auth", auth, ...credentials, ...(tls ? ["-tls"] : [])],
    ],
    { name: "registry", logPath: join(folder.path, "registry.log") },
  );
  const host = await eventually("the registry to listen", async () => {
    await process.mustRun();
    return /^\{"address":"(.+)"\}$/m.exec(await process.log())?.[1];
  });
  const caPath = tls ? join(storage, "ca.crt") : undefined;
  return {
    host,
    storage,
    caPath,
    ...(caPath === undefined ? {} : { caPem: await Deno.readTextFile(caPath) }),
    ...(auth === "none" ? {} : { user, password }),
    log: () => process.log(),
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
