/**
 * What a kubelet has to do with the renewal of its certificates: to take new ones, and to tell.
 *
 * @module
 */

/** How the node takes part in the renewal of its certificates. */
export interface RenewalHands {
  /** Serves with this pair, in PEM, from now on; connections that are open go on. */
  serve(pair: { readonly certPem: string; readonly keyPem: string }): void;
  /** Logs it, and tells it as a warning about the node. */
  tell(trouble: { readonly reason: string; readonly message: string }): void;
  /** Logs what went well. */
  inform(message: string): void;
}

/** What monitors want to know of the certificates, under a kubelet's names of metrics. */
export interface CertificateFigures {
  /** `kubelet_certificate_manager_client_ttl_seconds`; `Infinity` if there is no certificate. */
  readonly clientTtlSeconds: number;
  /** `kubelet_certificate_manager_client_expiration_renew_errors`, since the start. */
  readonly clientRenewErrors: number;
  /** `kubelet_certificate_manager_server_ttl_seconds`; negative if it has ended. */
  readonly serverTtlSeconds: number;
  /** `kubelet_server_expiration_renew_errors`, since the start. */
  readonly serverRenewErrors: number;
}

/** Renews the certificates of a node. */
export interface CertificateRenewal {
  /** Works until the signal; never rejects. */
  run(hands: RenewalHands, signal: AbortSignal): Promise<void>;
  /** As of now. */
  figures(): CertificateFigures;
  /** Why a certificate that should be renewed by now is not; for the node's condition. */
  trouble(): string | undefined;
}
