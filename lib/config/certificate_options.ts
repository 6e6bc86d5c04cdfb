/**
 * How certificates are asked for and renewed.
 *
 * @module
 */
import * as kinds from "./kinds.ts";
import { defineOptions, type OptionValues } from "./option.ts";

const MINUTE_MS = 60_000;
/** What the API server lets one ask for: ten minutes at least. */
const DURATION_MS = { min: 10 * MINUTE_MS, max: 10 * 366 * 24 * 60 * MINUTE_MS };

/** The options; names are a kubelet's where it has them. */
export const CERTIFICATE_OPTIONS = defineOptions({
  rotateClient: {
    flag: "rotate-certificates",
    env: "KRUSTLET_ROTATE_CERTIFICATES",
    key: "rotateCertificates",
    kind: kinds.flag,
    default: true,
    help: "Ask for the next client certificate before the present one ends.",
    group: "Cluster",
  },
  rotateServing: {
    flag: "rotate-server-certificates",
    env: "KRUSTLET_ROTATE_SERVER_CERTIFICATES",
    key: "rotateServerCertificates",
    kind: kinds.flag,
    default: true,
    help: "Ask for the next serving certificate before the present one ends.",
    group: "Server",
  },
  certificateDurationMs: {
    flag: "certificate-duration",
    env: "KRUSTLET_CERTIFICATE_DURATION",
    key: "certificateDuration",
    kind: kinds.duration(DURATION_MS.min, DURATION_MS.max),
    defaultText: "as the cluster's signers like",
    help: "How long certificates that are asked for shall live. A signer may give less.",
    group: "Cluster",
  },
});

/** What is done about certificates. */
export interface CertificateSettings {
  /** Whether the next client certificate is asked for. Default true. */
  readonly rotateClient: boolean;
  /** Whether the next serving certificate is asked for. Default true. */
  readonly rotateServing: boolean;
  /** How long certificates shall live, in ms; `undefined`: as the signers like. */
  readonly durationMs: number | undefined;
}

/** Gathers them from what was read. */
export function certificateSettings(
  values: OptionValues<typeof CERTIFICATE_OPTIONS>,
): CertificateSettings {
  return {
    rotateClient: values.rotateClient,
    rotateServing: values.rotateServing,
    durationMs: values.certificateDurationMs,
  };
}
