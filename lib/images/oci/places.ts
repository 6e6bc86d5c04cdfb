/**
 * Where a repository can be asked for: a registry's mirrors, then the registry itself.
 *
 * @module
 */
import type { Credential } from "./credential.ts";
import { ownValue } from "./own_value.ts";
import type { Access } from "./tokens.ts";

/** How registries are reached that are not reached as usual. */
export interface Registries {
  /** Registries, as `host` or `host:port`, that speak plain HTTP. */
  readonly insecure?: readonly string[] | undefined;
  /**
   * Mirrors of a registry, in the order in which they are asked before the registry itself.
   *
   * Each is an `http:` or `https:` URL; its path stands before the repository's name there, and its
   * user and password, if any, are for this mirror. No other credential is sent to a mirror.
   */
  readonly mirrors?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** One server, and what a repository is called there. */
export interface Place extends Access {
  readonly base: URL;
  readonly isMirror: boolean;
}

/** All places for a repository, in order; the last one is the registry itself. */
export function placesOf(access: Access, registries: Registries): readonly [...Place[], Place] {
  const mirrors = ownValue(registries.mirrors, access.registry) ?? [];
  return [...mirrors.map((url) => mirrorOf(url, access)), registryOf(access, registries)];
}

/** The registry itself. */
export function registryOf(access: Access, { insecure = [] }: Registries): Place {
  const { registry } = access;
  const scheme = insecure.includes(registry) ? "http" : "https";
  // Docker Hub's name for its registry is not the name that its images bear.
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
  return { ...access, base: new URL(`${scheme}://${host}`), isMirror: false };
}

function mirrorOf(text: string, { repository }: Access): Place {
  const url = new URL(text);
  const prefix = url.pathname.split("/").filter((part) => part !== "");
  return {
    registry: url.host,
    repository: [...prefix, repository].join("/"),
    credential: credentialOf(url),
    base: new URL(url.origin),
    isMirror: true,
  };
}

function credentialOf({ username, password, host }: URL): Credential | undefined {
  if (username === "") return undefined;
  return {
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    source: `the settings of mirror "${host}"`,
  };
}
