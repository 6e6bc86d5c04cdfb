/**
 * Asking for one certificate and waiting until there is an answer.
 *
 * @module
 */
import { isExpired, type KeyPair, sameBytes } from "./certificate.ts";
import { Changes, LOOK_PAUSE_MS } from "./changes.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createCsr, csrPublicKey, nodeSubject } from "./csr.ts";
import { csrName } from "./csr_name.ts";
import type {
  CertificateKind,
  CertificateRequests,
  CertificateSigningRequest,
} from "./csr_request.ts";
import {
  asksForKind,
  fromBase64,
  isApproved,
  issuedChain,
  REQUEST_KINDS,
  requestObject,
} from "./csr_request.ts";
import { CertificateError, httpStatusOf, messageOf } from "./errors.ts";
import { issuedFault, readIssued } from "./issued.ts";
import type { PrivateKey } from "./keys.ts";
import { finalError, timeoutError } from "./request_errors.ts";
import type { CertificateStore } from "./store.ts";

/** What to ask for, whom, and for how long. */
export interface RequestOptions {
  /** The API to ask by. */
  readonly requests: CertificateRequests;
  /** What the certificate is for. */
  readonly kind: CertificateKind;
  /** The name of the node, which the subject is made of. */
  readonly nodeName: string;
  /** Host names to be valid for. @default {none} */
  readonly dnsNames?: readonly string[];
  /** IPv4 or IPv6 addresses to be valid for. @default {none} */
  readonly ipAddresses?: readonly string[];
  /** Where the key waits and the pair is kept. */
  readonly store: CertificateStore;
  /** Ends the waiting. The request stays, and the next start finds it. */
  readonly signal: AbortSignal;
  /** How long to wait for the answer, a server that is away included. @default {1 hour} */
  readonly timeoutMs?: number;
  /** Lines for the operator; print each. @default {discarded} */
  readonly notify?: (line: string) => void;
  /** What time it is. @default {the machine's} */
  readonly clock?: Clock;
  /** How long the certificate shall live; 10 minutes at least. @default {as the signer likes} */
  readonly durationMs?: number | undefined;
  /** True if the caller asks again by itself, so that nobody is told to start again. @default {false} */
  readonly retries?: boolean | undefined;
}

/** As a kubelet waits for its client certificate. */
export const TIMEOUT_MS_DEFAULT = 60 * 60 * 1_000;

/**
 * Asks for a certificate and stores it when it is issued.
 *
 * The key is on disk before the request is made and the request is named by its content, so it is
 * safe to be killed at any line and to run again: the same request is found and its key fits.
 *
 * @throws {CertificateError} with what to do. @throws the signal's reason when it is aborted.
 */
export async function requestCertificate(options: RequestOptions): Promise<KeyPair> {
  const key = await options.store.pendingKey();
  const asking = new Asking(options, key);
  const chainPem = await asking.chain();
  return await options.store.accept(chainPem);
}

/** A person needs to know that a client request waits only if no controller takes it at once. */
const CLIENT_NOTICE_MS = 10_000;
/** The longest time between two looks, if no watch says that there is news. */
const LOOK_MS_MAX = 10_000;
/** One call of the API. */
const CALL_MS_MAX = 30_000;
/** Names to try when others hold ours: more than one is an accident already. */
const NAMES_MAX = 5;

class Asking {
  readonly #options: RequestOptions;
  readonly #key: PrivateKey;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #deadlineMs: number;
  #attempt = 1;
  #asked: string | undefined;
  #last: CertificateSigningRequest | undefined;
  #trouble: unknown;
  #noticed = false;

  constructor(options: RequestOptions, key: PrivateKey) {
    this.#options = options;
    this.#key = key;
    this.#clock = options.clock ?? systemClock;
    this.#startMs = this.#steadyMs();
    this.#deadlineMs = this.#startMs + (options.timeoutMs ?? TIMEOUT_MS_DEFAULT);
  }

  /** Looks and waits in turn until there is a chain that is what was asked for. */
  async chain(): Promise<string> {
    const { signal, requests } = this.#options;
    using changes = new Changes(requests, this.#clock);
    for (let delayMs = LOOK_PAUSE_MS;; delayMs = Math.min(delayMs * 2, LOOK_MS_MAX)) {
      signal.throwIfAborted();
      const request = await this.#lookOrTrouble();
      const chainPem = request && issuedChain(request, this.#options);
      if (request !== undefined && chainPem !== undefined) return this.#accepted(request, chainPem);
      const leftMs = this.#deadlineMs - this.#steadyMs();
      if (leftMs <= 0) throw await this.#timeout();
      if (request !== undefined) this.#notice(request);
      await changes.wait(await this.#name(), Math.min(delayMs, leftMs), signal);
    }
  }

  /** The request as it is now, or `undefined` if the API server is away; the reason is kept. */
  async #lookOrTrouble(): Promise<CertificateSigningRequest | undefined> {
    try {
      const request = await this.#look();
      this.#trouble = undefined;
      if (request !== undefined) this.#last = request;
      return request;
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const final = error instanceof CertificateError ? error : finalError(error, {
        kind: this.#options.kind,
        nodeName: this.#options.nodeName,
        name: await this.#name(),
        retries: this.#options.retries,
      });
      if (final !== undefined) throw final;
      if (this.#trouble === undefined) {
        this.#say(`cannot reach the API server, trying again: ${messageOf(error)}`);
      }
      this.#trouble = error;
      return undefined;
    }
  }

  async #look(): Promise<CertificateSigningRequest | undefined> {
    const name = this.#asked;
    if (name !== undefined) {
      const seen = await this.#call((signal) => this.#options.requests.get(name, signal));
      if (seen !== undefined && await this.#isOurs(seen)) return seen;
      this.#say(`certificate request ${name} was deleted: asking again`);
      this.#asked = undefined;
      this.#noticed = false;
    }
    return await this.#ask();
  }

  /** Makes the request, or finds that it was made before; passes over names of others. */
  async #ask(): Promise<CertificateSigningRequest | undefined> {
    for (; this.#attempt <= NAMES_MAX; this.#attempt++) {
      const name = await this.#name();
      const created = await this.#create(name);
      const request = created ??
        await this.#call((signal) => this.#options.requests.get(name, signal));
      if (request === undefined) return undefined; // it was there and is gone: look again later
      if (created !== undefined || await this.#isOurs(request) && !this.#isStale(request)) {
        this.#asked = name;
        return request;
      }
    }
    this.#attempt = 1;
    throw new CertificateError(
      "refused",
      `Cannot ask for a certificate: requests "${await this.#name()}" and ${NAMES_MAX - 1} more ` +
        `of that name belong to others; look at them with "kubectl get csr" and delete them`,
    );
  }

  /** `undefined` if the name is taken. */
  async #create(name: string): Promise<CertificateSigningRequest | undefined> {
    const { kind, dnsNames, ipAddresses, nodeName, requests, durationMs } = this.#options;
    const csrPem = await createCsr({
      key: this.#key,
      subject: nodeSubject(nodeName),
      dnsNames: dnsNames ?? [],
      ipAddresses: ipAddresses ?? [],
    });
    try {
      return await this.#call((signal) =>
        requests.create(requestObject(kind, { name, csrPem, durationMs }), signal)
      );
    } catch (error) {
      if (httpStatusOf(error) === 409) return undefined;
      throw error;
    }
  }

  #call<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const leftMs = this.#deadlineMs - this.#steadyMs();
    const timeout = AbortSignal.timeout(Math.max(1, Math.min(CALL_MS_MAX, leftMs)));
    return ask(AbortSignal.any([this.#options.signal, timeout]));
  }

  async #isOurs(request: CertificateSigningRequest): Promise<boolean> {
    if (!asksForKind(request, this.#options.kind)) return false;
    const publicKey = await csrPublicKey(fromBase64(request.spec.request));
    return publicKey !== undefined && sameBytes(publicKey, this.#key.publicKeySpki);
  }

  /** A request of an earlier life whose certificate is over is of no use. */
  #isStale(request: CertificateSigningRequest): boolean {
    const chainPem = issuedChain(request, this.#options);
    if (chainPem === undefined) return false;
    const certificate = readIssued(request.metadata.name, chainPem);
    return isExpired(certificate, this.#clock.nowMs());
  }

  #accepted(request: CertificateSigningRequest, chainPem: string): string {
    const { name } = request.metadata;
    const certificate = readIssued(name, chainPem);
    const wanted = { ...this.#options, publicKeySpki: this.#key.publicKeySpki };
    const fault = issuedFault(certificate, { wanted, nowMs: this.#clock.nowMs() });
    if (fault !== undefined) {
      throw new CertificateError(
        "mismatch",
        `Cannot accept certificate of request "${name}": ${fault}`,
      );
    }
    const { kind } = this.#options;
    if (kind === "serving") this.#say("received TLS certificate approval: continuing");
    else if (this.#noticed) this.#say("received client certificate approval: continuing");
    return chainPem;
  }

  #notice(request: CertificateSigningRequest): void {
    if (this.#noticed || isApproved(request)) return;
    const { name } = request.metadata;
    if (this.#options.kind === "serving") {
      this.#say(
        `TLS certificate requires manual approval. Run kubectl certificate approve ${name}`,
      );
    } else if (this.#steadyMs() - this.#startMs >= CLIENT_NOTICE_MS) {
      this.#say(
        `client certificate is not approved yet. Run kubectl certificate approve ${name}`,
      );
    } else return;
    this.#noticed = true;
  }

  async #timeout(): Promise<CertificateError> {
    return timeoutError({
      kind: this.#options.kind,
      name: await this.#name(),
      waitedMs: this.#steadyMs() - this.#startMs,
      last: this.#last,
      trouble: this.#trouble,
      retries: this.#options.retries ?? false,
    });
  }

  // Many a machine sets its clock while it starts, which is when a certificate is asked for.
  #steadyMs(): number {
    return this.#clock.steadyMs?.() ?? this.#clock.nowMs();
  }

  #name(): Promise<string> {
    const { kind, nodeName, dnsNames, ipAddresses } = this.#options;
    return csrName({
      kind,
      nodeName,
      publicKeySpki: this.#key.publicKeySpki,
      subject: nodeSubject(nodeName),
      ...REQUEST_KINDS[kind],
      dnsNames: dnsNames ?? [],
      ipAddresses: ipAddresses ?? [],
      attempt: this.#attempt,
    });
  }

  #say(line: string): void {
    this.#options.notify?.(`BOOTSTRAP: ${line}`);
  }
}
