/**
 * Approves what nodes ask for, as an operator with much time would.
 *
 * @module
 */
import type { Cluster } from "./cluster.ts";
import type { KubeObject } from "./objects.ts";
import { watchObjects } from "./watch.ts";

/** The part of a CertificateSigningRequest that is looked at. */
export interface SigningRequest extends KubeObject {
  readonly spec: { readonly signerName: string; readonly username: string };
  readonly status: {
    readonly certificate?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string }[];
  };
}

const PATH = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/** Answers every request for a serving certificate of this node, until it is disposed of. */
export class Approver implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #user: string;
  readonly #seen = new Map<string, SigningRequest>();
  readonly #busy = new Set<Promise<unknown>>();
  #watch: AsyncDisposable | undefined;

  private constructor(cluster: Cluster, nodeName: string) {
    this.#cluster = cluster;
    this.#user = `system:node:${nodeName}`;
  }

  /** Denies the next request for a serving certificate instead. */
  denyNext = false;

  static async start(cluster: Cluster, nodeName: string): Promise<Approver> {
    const approver = new Approver(cluster, nodeName);
    approver.#watch = await watchObjects<SigningRequest>(
      cluster,
      PATH,
      (request) => approver.#see(request),
    );
    return approver;
  }

  /** How many certificates of this kind the node was given when it asked as itself. */
  issued(kind: "client" | "serving"): number {
    const signer = kind === "client" ? "kube-apiserver-client-kubelet" : "kubelet-serving";
    return [...this.#seen.values()].filter(({ spec, status }) =>
      spec.signerName === `kubernetes.io/${signer}` && status.certificate !== undefined
    ).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await Promise.allSettled(this.#busy);
  }

  #see(request: SigningRequest): void {
    const { metadata: { name }, spec, status } = request;
    if (spec.username !== this.#user) return;
    const isNew = !this.#seen.has(name);
    this.#seen.set(name, request);
    if (!isNew || spec.signerName !== "kubernetes.io/kubelet-serving") return;
    if (status.conditions !== undefined) return;
    const type = this.denyNext ? "Denied" : "Approved";
    this.denyNext = false;
    // As kubectl does, which takes a second more to begin: some certificates do not have it.
    const condition = { type, status: "True", reason: "Approver", message: "by a test" };
    const approval = this.#cluster.request("PUT", `${PATH}/${name}/approval`, {
      ...request,
      status: { conditions: [condition] },
    }).then((response) => response.body?.cancel())
      .finally(() => this.#busy.delete(approval));
    approval.catch(() => {}); // the test sees that there is no certificate
    this.#busy.add(approval);
  }
}
