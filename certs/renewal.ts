/**
 * Keeping one certificate alive while the node runs.
 *
 * @module
 */
import {
  type Certificate,
  isExpired,
  isNodes,
  type KeyPair,
  readCertificate,
} from "./certificate.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { CertificateRequests } from "./csr_request.ts";
import { CertificateError, messageOf } from "./errors.ts";
import type { Identity } from "./identity.ts";
import {
  answerTimeMs,
  planRenewal,
  type RenewalState,
  renewalTimeMs,
  retryDelayMs,
} from "./renewal_plan.ts";
import { requestCertificate, type RequestOptions } from "./request.ts";

/** What went wrong with a certificate; for the log, and for an Event. */
export interface RenewalTrouble {
  /** One word for scripts. */
  readonly reason: "CertificateRenewalFailed" | "CertificateExpiring" | "CertificateNotYetValid";
  /** A sentence that says what to do. */
  readonly message: string;
}

/** What is renewed, and who is told. */
export interface RenewalOptions
  extends Omit<RequestOptions, "requests" | "signal" | "timeoutMs" | "retries"> {
  /** The pair to begin with. */
  readonly pair: KeyPair;
  /** When that pair was obtained, in ms since 1970. @default {now} */
  readonly obtainedMs?: number | undefined;
  /** False leaves renewing to others; their files are read again all the same. @default {true} */
  readonly asks?: boolean;
  /** The API to ask by; called before each attempt, and disposed of behind it if it can be. */
  requests(): Promise<CertificateRequests & Partial<Disposable>>;
  /** The pair that is on disk by now. @default {that of the store} */
  reread?(): Promise<KeyPair | undefined>;
  /** Takes a new pair over; if it throws, the old one stays and this is tried again. */
  take(pair: KeyPair): void;
  /** Told what an operator should do something about. */
  tell(trouble: RenewalTrouble): void;
  /** Told what went well. @default {nobody is told} */
  inform?(message: string): void;
  /** In [0, 1); spreads nodes that were born together. @default {Math.random} */
  readonly random?: () => number;
}

/** What a monitor wants to know. */
export interface RenewalFigures {
  /** Seconds until the certificate ends; negative behind its end. */
  readonly ttlSeconds: number;
  /** Attempts that failed since the start. */
  readonly errors: number;
}

/**
 * Renews one certificate: asks for the next one, with a new key, between 70 % and 90 % of its life,
 * stores it and hands it over; tries again when that fails; and takes over what somebody else has
 * put in its place on disk.
 *
 * A pair whose subject is not a node's was put there by a person, who is reminded and not overruled,
 * except that an expired serving certificate is replaced, as it is at a start.
 */
export class Renewal implements Identity {
  readonly #options: RenewalOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #told = new Set<string>();
  #pair: KeyPair;
  #certificate: Certificate;
  #renewAtMs: number;
  #failures = 0;
  #retryAtMs = 0;
  #errors = 0;
  #trouble: string | undefined;

  /** Begins with a pair; @throws {SyntaxError} if the pair's certificate cannot be read. */
  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#pair = options.pair;
    this.#certificate = readCertificate(options.pair.certificatePem);
    this.#renewAtMs = this.#planned(options.obtainedMs);
  }

  /** The newest pair that was taken over. */
  current(): KeyPair {
    return this.#pair;
  }

  /** When the next pair is asked for, in ms since 1970. */
  renewAtMs(): number {
    return this.#renewAtMs;
  }

  /** As of now. */
  figures(): RenewalFigures {
    const leftMs = this.#certificate.notAfterMs - this.#clock.nowMs();
    return { ttlSeconds: leftMs / 1_000, errors: this.#errors };
  }

  /** Why the certificate should be renewed by now and is not; `undefined` if all is well. */
  trouble(): string | undefined {
    return this.#trouble;
  }

  /** Works until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#reread();
      this.#lookAtClock();
      const step = planRenewal(this.#state(), this.#clock.nowMs());
      if (step.do === "ask") await this.#ask(signal);
      else {
        if (step.do === "remind") this.#remind();
        await this.#clock.sleep(step.ms, signal);
      }
    }
  }

  #state(): RenewalState {
    const { asks = true, kind } = this.#options;
    const over = kind === "serving" && isExpired(this.#certificate, this.#clock.nowMs());
    return {
      renewAtMs: this.#renewAtMs,
      asks: asks && (over || isNodes(this.#certificate)),
      retryAtMs: this.#retryAtMs,
    };
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const leftMs = this.#certificate.notAfterMs - this.#clock.nowMs();
    let requests: (CertificateRequests & Partial<Disposable>) | undefined;
    try {
      requests = await this.#options.requests();
      const timeoutMs = answerTimeMs(leftMs);
      const pair = await requestCertificate({
        ...this.#options,
        requests,
        signal,
        timeoutMs,
        retries: true,
      });
      this.#takeOver(pair);
    } catch (error) {
      if (signal.aborted) return;
      await this.#failed(error);
    } finally {
      requests?.[Symbol.dispose]?.();
    }
  }

  async #failed(error: unknown): Promise<void> {
    const { kind, store } = this.#options;
    this.#errors += 1;
    this.#failures += 1;
    const nowMs = this.#clock.nowMs();
    const leftMs = this.#certificate.notAfterMs - nowMs;
    this.#retryAtMs = nowMs + retryDelayMs(this.#failures, { leftMs, chance: this.#random() });
    const message = `Cannot renew the ${kind} certificate, ${this.#ending()}: ${messageOf(error)}`;
    this.#trouble = message;
    this.#options.tell({ reason: "CertificateRenewalFailed", message });
    // Whoever decided against this request has not decided against the next one.
    if (error instanceof CertificateError && DECIDED.has(error.code)) {
      await store.dropPending().catch((cause) => this.#tellDisk(cause));
    }
  }

  async #reread(): Promise<void> {
    const { store, reread = async (): Promise<KeyPair | undefined> => (await store.read())?.pair } =
      this.#options;
    try {
      const found = await reread();
      if (found === undefined || found.certificatePem === this.#pair.certificatePem) return;
      if (isExpired(readCertificate(found.certificatePem), this.#clock.nowMs())) return;
      this.#takeOver(found);
    } catch (error) {
      this.#tellDisk(error);
    }
  }

  #takeOver(pair: KeyPair): void {
    const certificate = readCertificate(pair.certificatePem);
    this.#options.take(pair);
    this.#pair = pair;
    this.#certificate = certificate;
    this.#renewAtMs = this.#planned(undefined);
    this.#failures = 0;
    this.#retryAtMs = 0;
    this.#trouble = undefined;
    this.#told.clear();
    const until = new Date(certificate.notAfterMs).toISOString();
    this.#options.inform?.(
      `Another ${this.#options.kind} certificate is used; it ends at ${until}`,
    );
  }

  #planned(obtainedMs: number | undefined): number {
    const nowMs = this.#clock.nowMs();
    return renewalTimeMs(this.#certificate, {
      obtainedMs: Math.min(obtainedMs ?? nowMs, nowMs),
      chance: this.#random(),
    });
  }

  #lookAtClock(): void {
    const { notBeforeMs } = this.#certificate;
    if (notBeforeMs <= this.#clock.nowMs()) return;
    this.#tellOnce({
      reason: "CertificateNotYetValid",
      message: `The ${this.#options.kind} certificate is not valid before ` +
        `${new Date(notBeforeMs).toISOString()}; check this machine's clock`,
    });
  }

  #remind(): void {
    const { kind, store: { files } } = this.#options;
    const where = kind === "serving"
      ? `"${files.certificateFile}" and "${files.keyFile}"`
      : "the files that the kubeconfig names";
    const message =
      `The ${kind} certificate, ${this.#ending()}, is not renewed by this agent: put ` +
      `another one into ${where}; it is taken over within a minute`;
    this.#trouble = message;
    this.#tellOnce({ reason: "CertificateExpiring", message });
  }

  #ending(): string {
    const { notAfterMs } = this.#certificate;
    const verb = isExpired(this.#certificate, this.#clock.nowMs()) ? "ended" : "ends";
    return `which ${verb} at ${new Date(notAfterMs).toISOString()}`;
  }

  #tellDisk(error: unknown): void {
    this.#tellOnce({ reason: "CertificateRenewalFailed", message: messageOf(error) });
  }

  #tellOnce(trouble: RenewalTrouble): void {
    if (this.#told.has(trouble.message)) return;
    this.#told.add(trouble.message);
    this.#options.tell(trouble);
  }
}

/** Answers that stay as they are, however often one looks. */
const DECIDED: ReadonlySet<string> = new Set(["denied", "failed", "mismatch", "refused"]);
