/**
 * Which credentials of a pod's pull secrets fit an image.
 *
 * Formats and matching are those that Kubernetes documents for `kubernetes.io/dockerconfigjson` and
 * `kubernetes.io/dockercfg`. Nothing of a secret's value ever reaches a message.
 *
 * @module
 */
import type { Secret } from "../../api/types.ts";
import { KubeletError } from "../../errors.ts";
import type { Credential } from "../oci/credential.ts";
import type { Reference } from "../oci/reference.ts";

/**
 * The credentials that fit, best first: Secrets in the order given; within one Secret the entry with
 * the longest path.
 *
 * Throws a `KubeletError` with code `image_pull` for a pull secret that cannot be read.
 */
export function credentialsFor(
  reference: Reference,
  secrets: readonly Secret[],
): readonly Credential[] {
  const found: Credential[] = [];
  for (const secret of secrets) {
    const source = secret.metadata?.name ?? "";
    const entries = Object.entries(readAuths(secret, source))
      .filter(([key]) => matches(key, reference))
      .sort(([a], [b]) => pathOf(b).length - pathOf(a).length);
    for (const [key, entry] of entries) {
      const credential = readEntry(entry, { key, source });
      if (credential !== undefined) found.push(credential);
    }
  }
  return found;
}

function readAuths(secret: Secret, source: string): Record<string, unknown> {
  const text = (key: string): string | undefined => {
    const plain = secret.stringData?.[key];
    const encoded = secret.data?.[key];
    if (plain !== undefined || encoded === undefined) return plain;
    return decodeBase64(encoded) ?? unreadable(source, `its key "${key}" is not base64`);
  };
  const modern = text(".dockerconfigjson");
  if (modern !== undefined) {
    const config = parseObject(modern, source);
    return config["auths"] === undefined ? {} : asObject(config["auths"], source);
  }
  const legacy = text(".dockercfg");
  return legacy === undefined ? {} : parseObject(legacy, source);
}

function readEntry(
  entry: unknown,
  { key, source }: { key: string; source: string },
): Credential | undefined {
  const fields = asObject(entry, source);
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === "string" ? value : "";
  };
  let [username, password] = [text("username"), text("password")];
  if (text("auth") !== "") {
    const pair = decodeBase64(text("auth"));
    const colon = pair?.indexOf(":") ?? -1;
    if (pair === undefined || colon < 0) {
      unreadable(source, `"auth" of "${key}" is not the base64 form of user:password`);
    }
    username = pair!.slice(0, colon);
    password = pair!.slice(colon + 1).replace(/\0+$/, "");
  }
  const identityToken = text("identitytoken");
  if (username === "" && password === "" && identityToken === "") return undefined;
  return { username, password, source, ...(identityToken === "" ? {} : { identityToken }) };
}

/** True if an `auths` key stands for this image: host by parts, port exactly, path as a prefix. */
function matches(key: string, reference: Reference): boolean {
  const [host, port] = splitPort(hostOf(key));
  const [wantHost, wantPort] = splitPort(reference.registry.toLowerCase());
  if (port !== wantPort) return false;
  const parts = host.split(".");
  const wantParts = wantHost.split(".");
  if (parts.length !== wantParts.length) return false;
  if (!parts.every((part, i) => globMatches(part, wantParts[i]!))) return false;
  const path = pathOf(key);
  return path === "" || `${reference.repository}/`.startsWith(`${path}/`);
}

/** `*` stands for any characters of one part of a host name. */
function globMatches(pattern: string, text: string): boolean {
  const [first = "", ...others] = pattern.split("*");
  if (others.length === 0) return pattern === text;
  const last = others.pop()!;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of others) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

function withoutScheme(key: string): string {
  return key.trim().replace(/^https?:\/\//i, "");
}

/** Docker Hub has had several names; all of them mean `docker.io`. */
function hostOf(key: string): string {
  const host = withoutScheme(key).split("/")[0]!.toLowerCase();
  return /^(index|registry-1|registry)\.docker\.io$/.test(host) ? "docker.io" : host;
}

/** `/v1/` and `/v2/` are API roots that old tools wrote into the key, not repositories. */
function pathOf(key: string): string {
  const path = withoutScheme(key).split("/").slice(1).join("/").replace(/\/+$/, "");
  return path === "v1" || path === "v2" ? "" : path;
}

function splitPort(host: string): [string, string] {
  const found = /^(.*?)(?::(\d+))?$/.exec(host)!;
  return [found[1]!, found[2] ?? ""];
}

function decodeBase64(text: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(text));
  } catch {
    return undefined;
  }
}

function parseObject(text: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // No `cause`: a JSON error quotes the text, and the text is secret.
    unreadable(source, "it is not JSON");
  }
  return asObject(value, source);
}

function asObject(value: unknown, source: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    unreadable(source, "it does not have the shape of a Docker configuration");
  }
  return value as Record<string, unknown>;
}

function unreadable(source: string, state: string): never {
  throw new KubeletError("image_pull", `Cannot read pull secret "${source}": ${state}`);
}
