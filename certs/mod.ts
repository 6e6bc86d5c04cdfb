/**
 * Who this node is: keys, certificate requests, TLS bootstrap, bootstrap tokens.
 *
 * Knows nothing of pods, and no client of the cluster: whoever calls hands in something that fits
 * {@linkcode CertificateRequests}.
 *
 * @example A serving certificate, from disk or from the cluster
 * ```ts
 * import {
 *   type CertificateRequests,
 *   CertificateStore,
 *   obtainCertificate,
 *   servingFiles,
 * } from "./mod.ts";
 *
 * // requests: POST and GET of certificates.k8s.io/v1 certificatesigningrequests
 * async function serve(requests: CertificateRequests): Promise<void> {
 *   const pair = await obtainCertificate({
 *     requests,
 *     kind: "serving",
 *     nodeName: "worker-1",
 *     dnsNames: ["worker-1"],
 *     ipAddresses: ["10.0.0.7"],
 *     store: new CertificateStore(servingFiles("/var/lib/krustlet/config")),
 *     signal: AbortSignal.timeout(60_000),
 *     notify: console.log,
 *   });
 *   Deno.serve({ cert: pair.certificatePem, key: pair.keyPem }, () => new Response("ok"));
 * }
 * ```
 *
 * @example A key and a request, without a cluster
 * ```ts
 * import { createCsr, generateKey, nodeSubject } from "./mod.ts";
 *
 * const key = await generateKey();
 * const csrPem = await createCsr({ key, subject: nodeSubject("worker-1") });
 * console.log(csrPem); // to look at it: openssl req -text
 * ```
 *
 * @module
 */
export { obtainCertificate } from "./bootstrap.ts";
export { newBootstrapObjects } from "./bootstrap_objects.ts";
export { type BindingReport, ensureBootstrapRbac } from "./bootstrap_rbac.ts";
export { ensureNetworkRbac } from "./network_rbac.ts";
export {
  BOOTSTRAP_GROUP,
  type BootstrapObjects,
  type BootstrapToken,
  bootstrapTokenSecret,
  bootstrapTokenText,
  createBootstrapToken,
  type KubernetesObject,
  newBootstrapToken,
  type ObjectReference,
  TOKEN_TTL_MS_DEFAULT,
} from "./bootstrap_token.ts";
export {
  type Certificate,
  hasSubject,
  isExpired,
  isNodes,
  type KeyPair,
  missingNames,
  publicKeyOf,
  readCertificate,
} from "./certificate.ts";
export { chooseClientPair, type ClientChoice, type ClientCredentials } from "./client_pair.ts";
export { type Clock, systemClock } from "./clock.ts";
export { createCsr, type CsrOptions, csrPublicKey, nodeSubject, type Subject } from "./csr.ts";
export { csrName, type CsrNameOptions } from "./csr_name.ts";
export {
  type CertificateCondition,
  type CertificateKind,
  type CertificateRequests,
  type CertificateSigningRequest,
  DURATION_MS_MIN,
  REQUEST_KINDS,
} from "./csr_request.ts";
export { rotationDeadlineMs } from "./deadline.ts";
export { CertificateError, type CertificateErrorCode } from "./errors.ts";
export type { Identity } from "./identity.ts";
export { generateKey, type PrivateKey, readKey } from "./keys.ts";
export {
  bootstrapKubeconfig,
  type ClusterAccess,
  type Kubeconfig,
  nodeKubeconfig,
  writeKubeconfig,
} from "./kubeconfig.ts";
export {
  type NodeCertificateFigures,
  NodeCertificates,
  type NodeCertificatesOptions,
  type OwnedRequests,
  type RenewalHands,
  type RenewedPair,
} from "./node_certificates.ts";
export { privacyWarning, type PrivacyWorld } from "./privacy.ts";
export {
  Renewal,
  type RenewalFigures,
  type RenewalOptions,
  type RenewalTrouble,
} from "./renewal.ts";
export { answerTimeMs, renewalTimeMs, retryDelayMs } from "./renewal_plan.ts";
export { requestCertificate, type RequestOptions, TIMEOUT_MS_DEFAULT } from "./request.ts";
export {
  CertificateStore,
  clientFiles,
  type PairFiles,
  servingFiles,
  type StoredPair,
} from "./store.ts";
