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
import { fingerprint } from "../oci/credential.ts";
import type { Reference } from "../oci/reference.ts";
import {
  bestFirst,
  decodeBase64,
  loginsFor,
  parseDockercfg,
  parseDockerConfig,
  UnreadableConfig,
} from "./docker_config.ts";
import type { TrackedCredential } from "./tracked.ts";

/**
 * The credentials that fit, best first: the most exact key, and among equal keys the Secrets in the
 * order given, as a kubelet has it.
 *
 * Throws a `KubeletError` with code `image_pull` for a pull secret that cannot be read.
 */
export function secretCredentials(
  reference: Reference,
  secrets: readonly Secret[],
): readonly TrackedCredential[] {
  return bestFirst(secrets.flatMap((secret) => entriesOf(secret, reference)))
    .map(({ tracked }) => tracked);
}

function entriesOf(
  secret: Secret,
  reference: Reference,
): { key: string; tracked: TrackedCredential }[] {
  const { name = "", namespace = "", uid = "" } = secret.metadata ?? {};
  try {
    return loginsFor(reference, authsOf(secret)).map(({ key, login }) => {
      const credential = { ...login, source: `pull secret "${name}"` };
      const owner = {
        kind: "secret",
        uid,
        namespace,
        name,
        hash: fingerprint(credential),
      } as const;
      return { key, tracked: { credential, owner } };
    });
  } catch (error) {
    if (!(error instanceof UnreadableConfig)) throw error;
    throw new KubeletError("image_pull", `Cannot read pull secret "${name}": ${error.message}`);
  }
}

function authsOf(secret: Secret): Readonly<Record<string, unknown>> {
  const text = (key: string): string | undefined => {
    const plain = secret.stringData?.[key];
    const encoded = secret.data?.[key];
    if (plain !== undefined || encoded === undefined) return plain;
    const decoded = decodeBase64(encoded);
    if (decoded === undefined) throw new UnreadableConfig(`its key "${key}" is not base64`);
    return decoded;
  };
  const modern = text(".dockerconfigjson");
  if (modern !== undefined) return parseDockerConfig(modern).auths;
  const legacy = text(".dockercfg");
  return legacy === undefined ? {} : parseDockercfg(legacy).auths;
}
