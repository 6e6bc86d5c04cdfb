/**
 * `krustlet doctor`: what stands between this machine and a node that works?
 *
 * @module
 */
import { ApiClient, ApiError } from "../api/client.ts";
import { csrsPath, selfSubjectReviewsPath } from "../api/paths.ts";
import type { ClusterAccess } from "../api/transport.ts";
import { messageOf } from "../errors.ts";
import type { PodNetworkWish } from "../network/ground.ts";
import { KUBERNETES_VERSION } from "../node/node_object.ts";
import { askServer } from "./ask_server.ts";
import type { Finding } from "./finding.ts";
import { type CertificateFacts, judgeCertificate } from "./judge_certificate.ts";
import { judgeRequests, type SigningRequest } from "./judge_requests.ts";
import { judgeClock, judgeIdentity, judgeVersion, type UserInfo } from "./judge_server.ts";
import { agentRuns, examineAddress, examineDisk, examineName, examinePort } from "./machine.ts";
import { examinePodNetwork, nodeRanges } from "./pod_network.ts";
import {
  judgeNetworkRights,
  judgeRights,
  missingRights,
  neededRights,
  networkRights,
} from "./rights.ts";

/** The part of the configuration that is looked at. `KrustletConfig` fits. */
export interface DoctorSettings {
  /** Name of the node. */
  readonly nodeName: string;
  /** Address by which the API server reaches the node. */
  readonly nodeIp: string;
  /** Where the node's own API listens. */
  readonly listenerAddress: string;
  /** 0 takes a free one. */
  readonly listenerPort: number;
  /** Absolute path of the folder that everything lives in. */
  readonly dataDir: string;
  /** Where pods are to have their addresses. */
  readonly podNetwork: PodNetworkWish;
  /** Ranges of them; none means what the cluster says. */
  readonly podCidrs: readonly string[];
}

/** How this machine would speak to the cluster. */
export type Speech =
  /** With these credentials; `where` says where they are from. */
  | { readonly as: "node" | "bootstrap"; readonly access: ClusterAccess; readonly where: string }
  /** Not at all, and why; the message says what to do. */
  | { readonly as: "nobody"; readonly message: string };

/** What is examined. */
export interface DoctorOptions {
  /** The node's configuration. */
  readonly settings: DoctorSettings;
  /** How it would speak to the cluster. */
  readonly speech: Speech;
  /** Certificates on disk; absent if there is none. */
  readonly certificates: {
    readonly client?: CertificateFacts | undefined;
    readonly serving?: CertificateFacts | undefined;
  };
  /** True if there is a bootstrap file. */
  readonly canBootstrap: boolean;
  /** Who asks, in the API server's logs. */
  readonly userAgent: string;
  /** Ends the examination, which then rejects. */
  readonly signal: AbortSignal;
  /** What time it is, in ms since 1970. @default {now} */
  readonly nowMs?: number;
}

/** A request of the examination may take so long. */
const REQUEST_MS_MAX = 10_000;
/** Requests that are looked at; a cluster removes old ones by itself. */
const REQUESTS_MAX = 500;

/** Examines everything, in the order in which a start of the agent would stumble over it. */
export async function examine(options: DoctorOptions): Promise<Finding[]> {
  const { settings, speech, certificates, canBootstrap, nowMs = Date.now() } = options;
  const { dataDir, listenerAddress: address, listenerPort: port, nodeIp } = settings;
  const question = { nowMs, canBootstrap };
  const cluster = speech.as === "nobody" ? [] : await examineCluster(speech, options);
  // Who is a stranger to the cluster, or alone, has no ranges to ask for.
  const isNode = cluster.some(({ check, state }) => check === "identity" && state === "ok");
  return [
    judgeSpeech(speech),
    ...(speech.as === "nobody" ? [] : [
      ...cluster,
      judgeCertificate(certificates.client, { ...question, kind: "client" }),
    ]),
    judgeCertificate(certificates.serving, { ...question, kind: "serving" }),
    examineAddress(nodeIp),
    examinePort({ address, port }, await agentRuns(dataDir)),
    await examineDisk(dataDir),
    examinePodNetwork({
      wanted: settings.podNetwork,
      podCidrs: settings.podCidrs.length > 0
        ? settings.podCidrs
        : isNode
        ? await askRanges(options)
        : undefined,
      nodeIp,
    }),
  ];
}

function judgeSpeech(speech: Speech): Finding {
  const check = "kubeconfig";
  if (speech.as === "nobody") {
    const [message = "", ...rest] = speech.message.split("; ");
    return { check, state: "fail", message, ...(rest[0] ? { advice: rest.join("; ") } : {}) };
  }
  const message = `${speech.where} leads to ${speech.access.server}`;
  if (speech.as === "node") return { check, state: "ok", message };
  return { check, state: "ok", message: `${message}; the node has not joined yet` };
}

async function examineCluster(
  { as, access }: Speech & { readonly as: "node" | "bootstrap" },
  { settings, userAgent, signal, nowMs = Date.now() }: DoctorOptions,
): Promise<Finding[]> {
  const name = await examineName(access.server, access.proxyUrl);
  const named = name === undefined ? [] : [name];
  const answer = await askServer(access, { signal, timeoutMs: REQUEST_MS_MAX });
  if (answer.kind === "silence") {
    return [...named, { check: "api-server", state: "fail", message: answer.message }];
  }
  const { status, version, clock } = answer;
  const reached: Finding[] = [...named, judgeStatus(status, access.server)];
  if (version !== undefined) reached.push(judgeVersion(version, KUBERNETES_VERSION));
  reached.push(judgeClock(clock));
  if (status === 401) return reached;
  using client = new ApiClient(access, { userAgent, timeoutMs: REQUEST_MS_MAX });
  const asked = { client, signal };
  return [
    ...reached,
    ...await asUser({ ...asked, as, nodeName: settings.nodeName, nowMs }),
    await orTrouble("rights", async () => {
      const rights = neededRights(settings.nodeName, as);
      return [judgeRights(await missingRights(client, { rights, signal }), as)];
    }),
    ...(as === "bootstrap" ? [] : await orTrouble("network-rights", async () => {
      const rights = networkRights();
      return [judgeNetworkRights(await missingRights(client, { rights, signal }))];
    })),
  ].flat();
}

async function askRanges(
  { settings: { nodeName }, speech, userAgent, signal }: DoctorOptions,
): Promise<readonly string[] | undefined> {
  if (speech.as !== "node") return undefined;
  using client = new ApiClient(speech.access, { userAgent, timeoutMs: REQUEST_MS_MAX });
  return await nodeRanges(client, { nodeName, signal });
}

function judgeStatus(status: number, server: string): Finding {
  const check = "api-server";
  if (status < 400) return { check, state: "ok", message: `${server} answers` };
  if (status === 401) {
    return {
      check,
      state: "fail",
      message: `${server} does not accept our credentials (401)`,
      advice: "they have ended, or are of another cluster: make a bootstrap file with krustlet " +
        "bootstrap",
    };
  }
  return {
    check,
    state: "warn",
    message: `${server} answers ${status} when asked for its version`,
  };
}

async function asUser(
  { client, signal, as, nodeName, nowMs }: {
    readonly client: ApiClient;
    readonly signal: AbortSignal;
    readonly as: "node" | "bootstrap";
    readonly nodeName: string;
    readonly nowMs: number;
  },
): Promise<Finding[]> {
  return await orTrouble("identity", async () => {
    const review = await client.create<{ status: { userInfo: Partial<UserInfo> } }>(
      selfSubjectReviewsPath(),
      { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
      { signal },
    );
    const { username = "", groups = [] } = review.status.userInfo;
    const identity = judgeIdentity({ username, groups }, { nodeName, as });
    const requests = await orTrouble("requests", async () => {
      const list = await client.get<{ items: SigningRequest[] }>(csrsPath(), {
        query: { limit: String(REQUESTS_MAX) },
        signal,
      });
      return judgeRequests(list.items, { username, nowMs });
    });
    return [identity, ...requests];
  });
}

/** A question that the API server does not answer is a finding as well. */
async function orTrouble(check: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    const state = error instanceof ApiError && error.status === 403 ? "warn" : "fail";
    return [{ check, state, message: messageOf(error) }];
  }
}
