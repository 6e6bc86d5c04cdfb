/**
 * CertificateSigningRequest objects (certificates.k8s.io/v1): what is asked, what is answered.
 *
 * @module
 */
import { CertificateError } from "./errors.ts";

/** What a certificate is for: to ask the API server, or to be asked by it. */
export type CertificateKind = "client" | "serving";

/** The part of a CertificateSigningRequest that is spoken here. */
export interface CertificateSigningRequest {
  /** `certificates.k8s.io/v1`. */
  readonly apiVersion?: string;
  /** `CertificateSigningRequest`. */
  readonly kind?: string;
  /** The name that it was given, and the uid that the API server gave it. */
  readonly metadata: { readonly name: string; readonly uid?: string };
  /** What is asked for. It never changes. */
  readonly spec: {
    /** A PEM request, in base64. */
    readonly request: string;
    /** Who shall sign, as `kubernetes.io/kubelet-serving`. */
    readonly signerName: string;
    /** What the certificate is for, as `client auth`. */
    readonly usages?: readonly string[];
    /** How long the certificate shall live; the signer may give less, 600 is the least. */
    readonly expirationSeconds?: number;
  };
  /** What is answered; absent until somebody does. */
  readonly status?: {
    /** What was said of it, in no order. */
    readonly conditions?: readonly CertificateCondition[];
    /** A PEM chain, in base64. */
    readonly certificate?: string;
  };
}

/** What was said of a request. */
export interface CertificateCondition {
  /** `Approved`, `Denied` or `Failed`. */
  readonly type: string;
  /** `True`, `False` or `Unknown`; absent counts as `True`. */
  readonly status?: string;
  /** One word that says why, for scripts. */
  readonly reason?: string;
  /** A sentence that says why, for people. */
  readonly message?: string;
}

/**
 * The API of certificate requests, as a cluster's client offers it.
 *
 * An answer that is not a success rejects with an error whose `status` is the HTTP status. Any
 * other rejection counts as "the API server is away" and is tried again.
 */
export interface CertificateRequests {
  /** Makes the request, and answers it as the API server holds it. */
  create(
    request: CertificateSigningRequest,
    signal?: AbortSignal,
  ): Promise<CertificateSigningRequest>;
  /** `undefined` if there is no request of that name. */
  get(name: string, signal?: AbortSignal): Promise<CertificateSigningRequest | undefined>;
  /**
   * Yields anything at all whenever the request may have changed. It only makes waiting shorter:
   * it may end or throw at any time, and must end when the signal says so.
   */
  watch?(name: string, signal: AbortSignal): AsyncIterable<unknown>;
}

/** Who signs, and what for, as a kubelet asks for an ECDSA key (without key encipherment). */
export const REQUEST_KINDS: Readonly<
  Record<CertificateKind, { readonly signerName: string; readonly usages: readonly string[] }>
> = {
  client: {
    signerName: "kubernetes.io/kube-apiserver-client-kubelet",
    usages: ["digital signature", "client auth"],
  },
  serving: {
    signerName: "kubernetes.io/kubelet-serving",
    usages: ["digital signature", "server auth"],
  },
};

/** The shortest life that the API server lets one ask for (certificates.k8s.io/v1), in ms. */
export const DURATION_MS_MIN = 600_000;

/** Writes the object that asks for a certificate of this kind, to live for `durationMs` if given. */
export function requestObject(
  kind: CertificateKind,
  options: {
    readonly name: string;
    readonly csrPem: string;
    readonly durationMs?: number | undefined;
  },
): CertificateSigningRequest {
  const { signerName, usages } = REQUEST_KINDS[kind];
  const { durationMs } = options;
  const expirationSeconds = Math.floor(Math.max(durationMs ?? 0, DURATION_MS_MIN) / 1_000);
  const request = new TextEncoder().encode(options.csrPem).toBase64();
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: options.name },
    spec: {
      request,
      signerName,
      usages,
      ...(durationMs === undefined ? {} : { expirationSeconds }),
    },
  };
}

/** True if the object asks the same signer for the same usages. */
export function asksForKind(request: CertificateSigningRequest, kind: CertificateKind): boolean {
  const { signerName, usages } = REQUEST_KINDS[kind];
  return request.spec.signerName === signerName &&
    JSON.stringify([...request.spec.usages ?? []].sort()) === JSON.stringify([...usages].sort());
}

/** True if the request is approved, whether or not its certificate is there yet. */
export function isApproved(request: CertificateSigningRequest): boolean {
  return conditionOf(request, "Approved") !== undefined;
}

/**
 * Reads the answer: the issued chain in PEM, or `undefined` while there is none. `retries` if the
 * agent asks again by itself.
 *
 * @throws {CertificateError} `denied` or `failed`, with the reason, the message and the way out.
 */
export function issuedChain(
  request: CertificateSigningRequest,
  { retries = false }: { readonly retries?: boolean | undefined } = {},
): string | undefined {
  const { name } = request.metadata;
  const again = retries
    ? "another request follows"
    : `run "kubectl delete csr ${name}" and start again to ask once more`;
  const denied = conditionOf(request, "Denied");
  if (denied !== undefined) {
    throw new CertificateError(
      "denied",
      `Cannot get certificate by request "${name}": it was denied${words(denied)}; ` +
        `ask the cluster's administrators, then ${again}`,
    );
  }
  const failed = conditionOf(request, "Failed");
  if (failed !== undefined) {
    throw new CertificateError(
      "failed",
      `Cannot get certificate by request "${name}": signer "${request.spec.signerName}" ` +
        `failed${words(failed)}; correct the cause, then ${again}`,
    );
  }
  const certificate = request.status?.certificate;
  if (!isApproved(request) || certificate === undefined || certificate === "") {
    return undefined;
  }
  return fromBase64(certificate);
}

/** The text inside base64, or an empty text if it is none: the reader after us says so. */
export function fromBase64(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(base64));
  } catch {
    return "";
  }
}

function conditionOf(
  request: CertificateSigningRequest,
  type: string,
): CertificateCondition | undefined {
  return request.status?.conditions?.find((each) => each.type === type && each.status !== "False");
}

function words(condition: CertificateCondition): string {
  const said = [condition.reason, condition.message].filter((part) => part);
  return said.length === 0 ? " without a reason" : ` (${said.join(": ")})`;
}
