/**
 * Everything that a bootstrap makes in a cluster, for those who hand it to somebody with more rights.
 *
 * @module
 */
import { bootstrapBindings } from "./bootstrap_rbac.ts";
import {
  type BootstrapToken,
  bootstrapTokenSecret,
  expirationMs,
  type KubernetesObject,
  newBootstrapToken,
} from "./bootstrap_token.ts";
import { networkObjects } from "./network_rbac.ts";

/**
 * Makes a token, and the objects with which a cluster knows it and lets nodes in: what
 * `createBootstrapToken()`, `ensureBootstrapRbac()` and `ensureNetworkRbac()` make in a cluster that
 * has none of it. Asks nobody.
 *
 * @throws {CertificateError} `invalid` if `ttlMs` is no time that a token can live.
 */
export function newBootstrapObjects(
  options: {
    /** How long the token is good for. @default {1 hour} */
    readonly ttlMs?: number;
    /** @default {Date.now} */
    readonly nowMs?: number;
  } = {},
): { readonly token: BootstrapToken; readonly objects: readonly KubernetesObject[] } {
  const expiresMs = expirationMs(options);
  const token = newBootstrapToken();
  const objects = [
    bootstrapTokenSecret(token, { expiresMs }),
    ...bootstrapBindings(),
    ...networkObjects(),
  ];
  return { token, objects };
}
