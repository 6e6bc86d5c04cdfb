/**
 * A cluster's certificate API and a clock for tests, both in this process and in the test's hand.
 *
 * @module
 */
import { TestCa } from "./_test_ca.ts";
import type { IssueOptions } from "./_test_ca.ts";
import type { Clock } from "./clock.ts";
import {
  type CertificateCondition,
  type CertificateRequests,
  type CertificateSigningRequest,
  fromBase64,
} from "./csr_request.ts";

/** A clock that jumps: each sleep is over at once, and what was planned within it has happened. */
export class FakeClock implements Clock {
  readonly #startMs = Date.now();
  #nowMs = this.#startMs;
  #aheadMs = 0;
  #plans: { atMs: number; act: () => void | Promise<void> }[] = [];

  nowMs(): number {
    return this.#nowMs + this.#aheadMs;
  }

  steadyMs(): number {
    return this.#nowMs;
  }

  /** Sets the clock of the wall, forward or back. */
  jump(ms: number): void {
    this.#aheadMs += ms;
  }

  /** Milliseconds since the test began. */
  get passedMs(): number {
    return this.#nowMs - this.#startMs;
  }

  /** Plans something for so many milliseconds after the beginning. */
  at(ms: number, act: () => void | Promise<void>): void {
    this.#plans.push({ atMs: this.#startMs + ms, act });
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const untilMs = this.#nowMs + ms;
    const due = this.#plans.filter(({ atMs }) => atMs <= untilMs);
    this.#plans = this.#plans.filter(({ atMs }) => atMs > untilMs);
    for (const { atMs, act } of due.sort((a, b) => a.atMs - b.atMs)) {
      this.#nowMs = Math.max(this.#nowMs, atMs);
      await act();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}

/** An answer of the API server that is not a success. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;

  constructor(status: number, message = `HTTP ${status}`) {
    super(message);
    this.status = status;
  }
}

/** Keeps requests as an API server does; people and controllers act through its other methods. */
export class FakeCluster implements CertificateRequests {
  readonly objects = new Map<string, CertificateSigningRequest>();
  /** Each call, as `create NAME` or `get NAME`, also those that failed. */
  readonly calls: string[] = [];
  /** Thrown by the next calls, first one first; `undefined` lets one through. */
  readonly failures: (Error | undefined)[] = [];
  /** What is done to each new request, before `create` returns. */
  onCreate: (name: string) => void | Promise<void> = () => {};
  readonly ca: TestCa;

  constructor(ca: TestCa) {
    this.ca = ca;
  }

  async create(request: CertificateSigningRequest): Promise<CertificateSigningRequest> {
    const { name } = request.metadata;
    this.#called(`create ${name}`);
    if (this.objects.has(name)) throw new HttpError(409, `"${name}" already exists`);
    this.objects.set(name, request);
    await this.onCreate(name);
    return this.objects.get(name) ?? request;
  }

  get(name: string): Promise<CertificateSigningRequest | undefined> {
    return new Promise((resolve) => {
      this.#called(`get ${name}`);
      resolve(this.objects.get(name));
    });
  }

  /** The only request; fails if there is none, or more. */
  get only(): CertificateSigningRequest {
    const [request, ...others] = this.objects.values();
    if (request === undefined || others.length > 0) {
      throw new Error(`Cannot tell the only request: there are ${this.objects.size}`);
    }
    return request;
  }

  /** Approves without a certificate, or with another condition than approval. */
  say(name: string, condition: CertificateCondition): void {
    const request = this.objects.get(name)!;
    const conditions = [...request.status?.conditions ?? [], condition];
    this.objects.set(name, { ...request, status: { ...request.status, conditions } });
  }

  /** Approves and signs. */
  async issue(name: string, options: IssueOptions): Promise<void> {
    const csrPem = fromBase64(this.objects.get(name)!.spec.request);
    this.sign(name, await this.ca.issueFor(csrPem, options));
  }

  /** Approves, and answers with this text as the certificate. */
  sign(name: string, chainPem: string): void {
    this.say(name, { type: "Approved", status: "True", reason: "KubectlApprove" });
    const request = this.objects.get(name)!;
    const certificate = new TextEncoder().encode(chainPem).toBase64();
    this.objects.set(name, { ...request, status: { ...request.status, certificate } });
  }

  #called(call: string): void {
    this.calls.push(call);
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}
