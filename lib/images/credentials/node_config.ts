/**
 * The node's own Docker configuration: credentials that every pod may pull with.
 *
 * @module
 */
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import type { Reference } from "../oci/reference.ts";
import {
  bestFirst,
  type DockerConfig,
  type Login,
  loginsFor,
  parseDockercfg,
  parseDockerConfig,
  UnreadableConfig,
} from "./docker_config.ts";
import { askHelper, HUB_SERVER } from "./helper.ts";
import { CONFIG_BYTES_MAX } from "./limits.ts";
import { NoAnswer } from "./program.ts";
import { NODE, type TrackedCredential } from "./tracked.ts";

/** A place to look for credentials. */
export interface Found {
  readonly credentials: readonly TrackedCredential[];
  /** Sources that could not be asked, in words that hold nothing secret. */
  readonly troubles: readonly string[];
}

/** Options of {@linkcode nodeCredentials}. */
export interface NodeConfigOptions {
  /** Files that are looked for, in their order: the first that can be read is the one. */
  readonly files: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Where a kubelet looks: `config.json` in its own folder, in `$HOME/.docker` and in `/.docker`, then
 * `.dockercfg` in its own folder, in `$HOME` and in `/`. The current directory, where a kubelet
 * looks too, is left out: it is anybody's. A folder that the user names is the only one.
 */
export function dockerConfigFiles(
  dirs: {
    readonly named?: string | undefined;
    readonly own: string;
    readonly home?: string | undefined;
  },
): string[] {
  const { named, own, home } = dirs;
  if (named !== undefined) return [join(named, "config.json"), join(named, ".dockercfg")];
  const homes = home === undefined ? [] : [home];
  return [
    ...[own, ...homes.map((dir) => join(dir, ".docker")), "/.docker"]
      .map((dir) => join(dir, "config.json")),
    ...[own, ...homes, "/"].map((dir) => join(dir, ".dockercfg")),
  ];
}

/**
 * The credentials of the node that fit an image, best first. The files are read each time, so that a
 * change counts at the next pull. Never throws for what a file or a helper holds.
 */
export async function nodeCredentials(
  reference: Reference,
  options: NodeConfigOptions,
): Promise<Found> {
  const troubles: string[] = [];
  for (const path of options.files) {
    try {
      const config = await readConfig(path);
      if (config === undefined) continue;
      const source = `Docker configuration "${path}"`;
      const logins = bestFirst(loginsFor(reference, config.auths)).map(({ login }) => login);
      const credentials = logins.map((login) => ({
        credential: { ...login, source },
        owner: NODE,
      }));
      const helped = await helperCredentials(reference, config, options.signal).catch((error) => {
        if (!(error instanceof NoAnswer)) throw error;
        troubles.push(error.message);
        return [];
      });
      return { credentials: [...helped, ...credentials], troubles };
    } catch (error) {
      options.signal.throwIfAborted();
      const state = error instanceof UnreadableConfig ? error.message : messageOf(error);
      troubles.push(`Docker configuration "${path}" cannot be read: ${state}`);
    }
  }
  return { credentials: [], troubles };
}

/** As Docker has it: the registry's own helper before the one for all. */
async function helperCredentials(
  reference: Reference,
  { credsStore, credHelpers }: DockerConfig,
  signal: AbortSignal,
): Promise<readonly TrackedCredential[]> {
  const { registry } = reference;
  const hub = registry === "docker.io";
  const names = hub ? [HUB_SERVER, "index.docker.io", registry] : [registry];
  const key = names.find((name) => Object.hasOwn(credHelpers, name));
  const name = key === undefined ? credsStore : credHelpers[key];
  if (name === undefined || name === "") return [];
  const server = key ?? (hub ? HUB_SERVER : registry);
  const login: Login | undefined = await askHelper(name, { server, signal });
  if (login === undefined) return [];
  const source = `credential helper "docker-credential-${name}"`;
  return [{ credential: { ...login, source }, owner: NODE }];
}

async function readConfig(path: string): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    const { size } = await Deno.stat(path);
    if (size > CONFIG_BYTES_MAX) {
      throw new UnreadableConfig(`it has more than ${CONFIG_BYTES_MAX} bytes, the limit`);
    }
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
  return path.endsWith(".dockercfg") ? parseDockercfg(text) : parseDockerConfig(text);
}
