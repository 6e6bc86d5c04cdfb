/**
 * Who is who, and who may do what: certificates, tokens and access reviews.
 *
 * @module
 */
import type { KubeObject } from "./meta.ts";

/** `authentication/v1` TokenRequest: asks for a token of a service account. */
export interface TokenRequest extends KubeObject {
  /** Whom the token is for, how long (seconds), and the object that it ends with. */
  spec: {
    audiences?: string[];
    expirationSeconds?: number;
    boundObjectRef?: { kind: string; apiVersion: string; name: string; uid: string };
  };
  /** The token and when it ends, which may be sooner than was asked for. */
  status?: { token: string; expirationTimestamp: string };
}

/** `certificates/v1` CertificateSigningRequest. */
export interface CertificateSigningRequest extends KubeObject {
  /** What is to be signed, by whom and for what; `username` and `groups` are the server's. */
  spec?: {
    /** Base64 of the PEM form of a PKCS#10 request. */
    request: string;
    signerName: string;
    usages?: string[];
    expirationSeconds?: number;
    username?: string;
    groups?: string[];
  };
  /** `Approved`, `Denied` or `Failed` among the conditions, and the certificate once it is there. */
  status?: {
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    /** Base64 of the PEM chain. */
    certificate?: string;
  };
}

/** `authentication/v1` TokenReview: asks whose token it is. */
export interface TokenReview extends KubeObject {
  /** The token, and whom it must be for; the API server itself if that is absent. */
  spec: { token: string; audiences?: string[] };
  /** The server's answer. */
  status?: {
    authenticated?: boolean;
    user?: {
      username?: string;
      uid?: string;
      groups?: string[];
      extra?: Record<string, string[]>;
    };
    error?: string;
  };
}

/** `authorization/v1` SubjectAccessReview: asks whether somebody may do something. */
export interface SubjectAccessReview extends KubeObject {
  /** Who, and what to which object; an empty name or namespace means all. */
  spec: {
    user?: string;
    uid?: string;
    groups?: string[];
    extra?: Record<string, string[]>;
    resourceAttributes?: {
      verb: string;
      group?: string;
      version?: string;
      resource: string;
      subresource?: string;
      name?: string;
      namespace?: string;
    };
  };
  /** The server's decision. `denied` is a no that no other authorizer can turn into a yes. */
  status?: { allowed: boolean; denied?: boolean; reason?: string; evaluationError?: string };
}
