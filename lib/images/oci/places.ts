/**
 * Where a repository can be asked for: a registry's mirrors, then the registry itself.
 *
 * @module
 */
import type { Credential } from "./credential.ts";
import { PullFailure } from "./failure.ts";
import { ownValue } from "./own_value.ts";
import type { Access } from "./tokens.ts";

/** How registries are reached that are not reached as usual. */
export interface Registries {
  /** Registries, as `host` or `host:port`, that speak plain HTTP. */
  readonly insecure?: readonly string[] | undefined;
  /**
   * Mirrors of a registry, in the order in which they are asked before the registry itself.
   *
   * Each is an `http:` or `https:` URL without a user; its path stands before the repository's name
   * there. The registry's own credential is never sent to a mirror.
   */
  readonly mirrors?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Finds credentials for mirrors. @default {a mirror is asked as nobody} */
  readonly mirrorLogin?: MirrorLogin | undefined;
}

/**
 * The credential for a repository of a mirror, both as the mirror knows them; undefined to come as
 * nobody. Asked before each exchange with a mirror, so whoever looks far remembers.
 *
 * Rejects with a `PullFailure` if it cannot be found out: then this mirror is passed over.
 */
export type MirrorLogin = (
  mirror: { readonly registry: string; readonly repository: string },
  until: { readonly signal: AbortSignal },
) => Promise<Credential | undefined>;

/** One server, and what a repository is called there. */
export interface Place extends Access {
  readonly base: URL;
  readonly isMirror: boolean;
}

/** Where a repository is asked for. */
export interface Places {
  /** In their order; the last one is the registry itself. */
  readonly places: readonly [...Place[], Place];
  /** Of mirrors for which no credential could be found. */
  readonly failures: readonly PullFailure[];
}

/** All places for a repository. */
export async function placesOf(
  access: Access,
  registries: Registries,
  until: { readonly signal: AbortSignal },
): Promise<Places> {
  const mirrors: Place[] = [];
  const failures: PullFailure[] = [];
  for (const url of ownValue(registries.mirrors, access.registry) ?? []) {
    const mirror = mirrorOf(url, access);
    try {
      const credential = await registries.mirrorLogin?.(mirror, until);
      mirrors.push({ ...mirror, credential });
    } catch (error) {
      until.signal.throwIfAborted();
      if (!(error instanceof PullFailure)) throw error;
      failures.push(error);
    }
  }
  return { places: [...mirrors, registryOf(access, registries)], failures };
}

/**
 * Throws a `RangeError` for a mirror's address that holds a user: everybody who sees this process or
 * its settings would see it.
 */
export function checkMirrors({ mirrors = {} }: Registries): void {
  for (const url of Object.values(mirrors).flat().map((text) => new URL(text))) {
    if (url.username === "" && url.password === "") continue;
    throw new RangeError(
      `Cannot use mirror "${url.host}": its address holds a user; give a mirrorLogin instead`,
    );
  }
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
    credential: undefined,
    base: new URL(url.origin),
    isMirror: true,
  };
}
