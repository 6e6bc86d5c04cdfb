/**
 * The two certificates of a node, kept alive together.
 *
 * @module
 */
import { isExpired, type KeyPair, readCertificate } from "./certificate.ts";
import { chooseClientPair } from "./client_pair.ts";
import type { CertificateRequests } from "./csr_request.ts";
import { Renewal, type RenewalOptions, type RenewalTrouble } from "./renewal.ts";
import type { CertificateStore } from "./store.ts";

/** A client of certificate requests, which may have to be closed behind its use. */
export type OwnedRequests = CertificateRequests & Partial<Disposable>;

/** What both certificates have. */
export interface RenewedPair {
  /** The pair to begin with. */
  readonly pair: KeyPair;
  /** Where its successors are kept. */
  readonly store: CertificateStore;
  /** False leaves renewing to others. */
  readonly asks: boolean;
}

/** What a {@linkcode NodeCertificates} is made of. */
export interface NodeCertificatesOptions {
  /** The name of the node. */
  readonly nodeName: string;
  /** How long certificates shall live. @default {as the signers like} */
  readonly durationMs?: number | undefined;
  /** Speaks as the node. */
  requests(): OwnedRequests;
  /** The client certificate. @default {there is none: the node speaks by a token} */
  readonly client?: RenewedPair & {
    /** Speaks by a bootstrap token, if there is one, once the client certificate has ended. */
    bootstrap(): Promise<OwnedRequests | undefined>;
    /** What the kubeconfig names by now; `undefined` if that is not to be looked at. */
    kubeconfig(): Promise<KeyPair | undefined>;
    /** Speaks with this pair from now on; throws if that is not possible. */
    take(pair: KeyPair): void;
  };
  /** The serving certificate, and the names that it has to have. */
  readonly serving: RenewedPair & Required<Pick<RenewalOptions, "dnsNames" | "ipAddresses">>;
  /** Lines for the operator. */
  notify(line: string): void;
}

/** What the node does with what is new; `lib`'s own interface of that name fits. */
export interface RenewalHands {
  /** Serves with this pair from now on. */
  serve(pair: { readonly certPem: string; readonly keyPem: string }): void;
  /** Told what an operator should do something about. */
  tell(trouble: RenewalTrouble): void;
  /** Told what went well. */
  inform(message: string): void;
}

/** Seconds that are left of each certificate, and attempts to renew it that have failed. */
export interface NodeCertificateFigures {
  /** `Infinity` if there is no client certificate. */
  readonly clientTtlSeconds: number;
  /** Since the start. */
  readonly clientRenewErrors: number;
  /** Negative if it has ended. */
  readonly serverTtlSeconds: number;
  /** Since the start. */
  readonly serverRenewErrors: number;
}

/** Renews both certificates of a node for as long as it runs. */
export class NodeCertificates {
  readonly #client: Renewal | undefined;
  readonly #serving: Renewal;
  #hands: RenewalHands | undefined;

  private constructor(options: NodeCertificatesOptions, obtained: Obtained) {
    const { nodeName, durationMs, client, serving } = options;
    const common = {
      nodeName,
      durationMs,
      notify: (line: string): void => options.notify(line),
      tell: (trouble: RenewalTrouble): void => this.#hands?.tell(trouble),
      inform: (message: string): void => this.#hands?.inform(message),
    };
    const requests = (): Promise<OwnedRequests> => Promise.resolve(options.requests());
    this.#client = client && new Renewal({
      ...common,
      ...client,
      kind: "client",
      obtainedMs: obtained.client,
      requests: async () => (await this.#byBootstrap(client)) ?? await requests(),
      reread: () => rereadClient(client, nodeName),
      take: (pair) => client.take(pair),
    });
    this.#serving = new Renewal({
      ...common,
      ...serving,
      kind: "serving",
      obtainedMs: obtained.serving,
      requests,
      take: ({ certificatePem, keyPem }) => {
        this.#hands?.serve({ certPem: certificatePem, keyPem });
      },
    });
  }

  /** Looks at the files' times, and does nothing before {@linkcode run}. */
  static async open(options: NodeCertificatesOptions): Promise<NodeCertificates> {
    const { client, serving } = options;
    return new NodeCertificates(options, {
      client: client && await obtainedMs(client),
      serving: await obtainedMs(serving),
    });
  }

  /** Renews until the signal; never rejects. */
  async run(hands: RenewalHands, signal: AbortSignal): Promise<void> {
    this.#hands = hands;
    await Promise.all([this.#client?.run(signal), this.#serving.run(signal)]);
  }

  /** As of now. */
  figures(): NodeCertificateFigures {
    const client = this.#client?.figures();
    const serving = this.#serving.figures();
    return {
      clientTtlSeconds: client?.ttlSeconds ?? Infinity,
      clientRenewErrors: client?.errors ?? 0,
      serverTtlSeconds: serving.ttlSeconds,
      serverRenewErrors: serving.errors,
    };
  }

  /** Why a certificate that should be renewed by now is not; `undefined` if all is well. */
  trouble(): string | undefined {
    return this.#client?.trouble() ?? this.#serving.trouble();
  }

  async #byBootstrap(
    client: NonNullable<NodeCertificatesOptions["client"]>,
  ): Promise<OwnedRequests | undefined> {
    const pair = this.#client?.current() ?? client.pair;
    if (!isExpired(readCertificate(pair.certificatePem), Date.now())) return undefined;
    return await client.bootstrap();
  }
}

interface Obtained {
  readonly client: number | undefined;
  readonly serving: number | undefined;
}

/** When the pair was written to the store; `undefined` if it is not from there. */
async function obtainedMs({ pair, store }: RenewedPair): Promise<number | undefined> {
  const found = await store.read();
  return found?.pair.certificatePem === pair.certificatePem
    ? found.writtenMs
    : readCertificate(pair.certificatePem).notBeforeMs;
}

async function rereadClient(
  { kubeconfig, store }: NonNullable<NodeCertificatesOptions["client"]>,
  nodeName: string,
): Promise<KeyPair | undefined> {
  const given = { kubeconfig: await kubeconfig(), stored: (await store.read())?.pair, nodeName };
  const choice = chooseClientPair(given, Date.now());
  return choice.use === "pair" ? choice.pair : undefined;
}
