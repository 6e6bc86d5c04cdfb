/**
 * Docker configurations: `config.json` with its `auths` and credential helpers, and the older
 * `.dockercfg`.
 *
 * Nothing of their values ever reaches a message.
 *
 * @module
 */
import type { Reference } from "../oci/reference.ts";
import { hostMatches, type ImagePattern, parsePattern } from "./glob.ts";

/** A user's name and secret, as an entry of `auths` has them. */
export interface Login {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string;
}

/** A Docker configuration, as far as pulls need it. */
export interface DockerConfig {
  /** Entries by key, unread: one that is not needed may be wrong. */
  readonly auths: Readonly<Record<string, unknown>>;
  /** Suffix of the helper program that knows all registries. */
  readonly credsStore?: string;
  /** Suffix of the helper program for each of these registries. */
  readonly credHelpers: Readonly<Record<string, string>>;
}

/** A configuration that cannot be read. The message is its state, without its content. */
export class UnreadableConfig extends Error {
  override readonly name = "UnreadableConfig";
}

/** Reads `config.json`. Throws an {@linkcode UnreadableConfig}. */
export function parseDockerConfig(text: string): DockerConfig {
  const config = parseObject(text);
  const { auths = {}, credsStore, credHelpers = {} } = config;
  const helpers = Object.entries(asObject(credHelpers)).map(([registry, helper]) => {
    if (typeof helper !== "string") throw new UnreadableConfig(SHAPE);
    return [registry, helper] as const;
  });
  return {
    auths: asObject(auths),
    ...(typeof credsStore === "string" && credsStore !== "" ? { credsStore } : {}),
    credHelpers: Object.fromEntries(helpers),
  };
}

/** Reads `.dockercfg`, which is `auths` alone. Throws an {@linkcode UnreadableConfig}. */
export function parseDockercfg(text: string): DockerConfig {
  return { auths: parseObject(text), credHelpers: {} };
}

/**
 * The logins of `auths` that fit an image, each with the key that it stands under.
 *
 * Throws an {@linkcode UnreadableConfig} for an entry that fits and cannot be read.
 */
export function loginsFor(
  reference: Reference,
  auths: Readonly<Record<string, unknown>>,
): { readonly key: string; readonly login: Login }[] {
  return Object.entries(auths).flatMap(([key, entry]) => {
    const pattern = parseKey(key);
    if (!fits(pattern, reference)) return [];
    const login = readLogin(entry, key);
    const { host, path } = pattern;
    return login === undefined ? [] : [{ key: path === "" ? host : `${host}/${path}`, login }];
  });
}

/**
 * Puts entries with the most exact key first, as a kubelet does: by the keys in reverse order of
 * their characters. Entries of the same key stay in their order.
 */
export function bestFirst<T extends { readonly key: string }>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => a.key < b.key ? 1 : a.key > b.key ? -1 : 0);
}

/** `auth` wins over `username` and `password`; undefined for an entry that holds nothing. */
export function readLogin(entry: unknown, key: string): Login | undefined {
  const fields = asObject(entry);
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === "string" ? value : "";
  };
  let [username, password] = [text("username"), text("password")];
  if (text("auth") !== "") {
    const pair = decodeBase64(text("auth"));
    const colon = pair?.indexOf(":") ?? -1;
    if (pair === undefined || colon < 0) {
      throw new UnreadableConfig(`"auth" of "${key}" is not the base64 form of user:password`);
    }
    username = pair.slice(0, colon);
    password = pair.slice(colon + 1).replace(/\0+$/, "");
  }
  const identityToken = text("identitytoken");
  if (username === "" && password === "" && identityToken === "") return undefined;
  return { username, password, ...(identityToken === "" ? {} : { identityToken }) };
}

/** UTF-8 text from base64; undefined for what is not base64. */
export function decodeBase64(text: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text));
  } catch {
    return undefined;
  }
}

/** Docker Hub has had several names, and old tools wrote an API's root into the key. */
function parseKey(key: string): ImagePattern {
  const { host, path } = parsePattern(key);
  const plain = path.replace(/\/+$/, "");
  return {
    host: /^(index|registry-1|registry)\.docker\.io$/.test(host) ? "docker.io" : host,
    path: plain === "v1" || plain === "v2" ? "" : plain,
  };
}

/** The path must end where a part of the repository ends: a team's key is not its neighbour's. */
function fits({ host, path }: ImagePattern, { registry, repository }: Reference): boolean {
  return hostMatches(host, registry) &&
    (path === "" || `${repository}/`.startsWith(`${path}/`));
}

const SHAPE = "it does not have the shape of a Docker configuration";

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // No `cause`: a JSON error quotes the text, and the text is secret.
    throw new UnreadableConfig("it is not JSON");
  }
  return asObject(value);
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UnreadableConfig(SHAPE);
  }
  return value as Record<string, unknown>;
}
