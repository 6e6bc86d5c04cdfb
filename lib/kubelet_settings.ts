/**
 * What a {@linkcode Kubelet} is made of, and what it is told.
 *
 * @module
 */
import type { ApiClient } from "./api/client.ts";
import type { ObjectReference } from "./api/types.ts";
import type { CertificateRenewal } from "./certificates.ts";
import type { CollectionPolicy } from "./images/collect_plan.ts";
import type { StoreSettings } from "./images/open_store.ts";
import type { RegistrySettings } from "./images/registry_files.ts";
import type { PodNetworkWish } from "./network/ground.ts";
import type { NodeSettings } from "./node/node_object.ts";
import type { Provider } from "./provider.ts";
import type { EvictionRules } from "./thresholds.ts";

/** The part of the configuration that the agent itself needs. `KrustletConfig` fits. */
export interface KubeletSettings extends NodeSettings, RegistrySettings {
  /** How often the node looks at itself. */
  readonly nodeStatusUpdateFrequencyMs: number;
  /** Where the node's own API listens. */
  readonly listenerAddress: string;
  /** 0 takes a free one. */
  readonly listenerPort: number;
  /** Where programs of this machine ask how the node is; 0 for nowhere. */
  readonly healthzPort: number;
  /** The address that goes with it. */
  readonly healthzBindAddress: string;
  /** Whether the machine's log files are shown. */
  readonly enableSystemLogHandler: boolean;
  /** The configuration as it is shown: by a kubelet's names, and by the agent's flags. */
  readonly shown: {
    /** Without secrets. */
    readonly config: Readonly<Record<string, unknown>>;
    /** Without secrets as well. */
    readonly flags: Readonly<Record<string, string>>;
  };
  /** What is done with images, besides their registries. */
  readonly images: StoreSettings & {
    readonly collection: CollectionPolicy;
    /** How many images the node's status names; -1 is all. */
    readonly statusMax: number;
  };
  /** Whom pods ask for names. */
  readonly dns: {
    /** What the names of Services end in. */
    readonly clusterDomain: string;
    /** Servers that pods are told of; none means the agent's own. */
    readonly clusterDns: readonly string[];
    /** Path of the file that says whom the machine asks; empty for a server on it. */
    readonly resolvConf: string;
  };
  /** When pods are evicted. */
  readonly eviction: EvictionRules;
  /** Where pods have their addresses. */
  readonly podNetwork: PodNetworkWish;
  /** Ranges of these addresses. @default {those that the cluster gives the node} */
  readonly podCidrs: readonly string[];
  /** Ranges of all pods of the cluster, reached from a pod's own address. @default {none} */
  readonly clusterCidrs?: readonly string[];
  /** Whether files of this machine may be images. */
  readonly allowLocalModules: boolean;
  /** Absolute path of the folder that everything lives in. */
  readonly dataDir: string;
  /** Folder with the manifests of static pods, or one such file. @default {there are none} */
  readonly podManifestPath: string | undefined;
  /** How long all guests together may take to end when the agent stops. */
  readonly shutdownGracePeriodMs: number;
  /** The part of it that pods of the system have for themselves. @default {all pods end together} */
  readonly shutdownGracePeriodCriticalPodsMs: number | undefined;
  /** True if the end of the agent is the end of the node: pods have failed then. */
  readonly shutdownEndsPods: boolean;
}

/** What a {@linkcode Kubelet} is made of. */
export interface KubeletOptions {
  /** Taken as they are: whoever reads them from a user has checked them. */
  readonly settings: KubeletSettings;
  /** This program's own version. */
  readonly version: string;
  /** Speaks as the node; closed by whoever made it. */
  readonly client: ApiClient;
  /** Runs the containers; closed at the end of {@linkcode Kubelet.run}. */
  readonly provider: Provider;
  /** Certificate and key with which the node's own API serves TLS, in PEM. */
  readonly serving: { readonly certPem: string; readonly keyPem: string };
  /** Renews the certificates while the node runs. @default {nobody does} */
  readonly renewal?: CertificateRenewal;
  /** Certificate authorities whose client certificates are believed, in PEM. */
  readonly clientCaPem: string;
  /** Reads them again, since they may change; `undefined` if nobody tells. @default {they stay} */
  readClientCa?(): Promise<string | undefined>;
  /** Asked at the end: true if another agent follows at once, so that pods stay. @default {never} */
  isRestart?(): boolean;
}

/** The folders below the data folder. */
export function dataFolders(dataDir: string): { pods: string; logs: string; images: string } {
  return { pods: `${dataDir}/pods`, logs: `${dataDir}/logs`, images: `${dataDir}/images` };
}

/** The node, for events on it. */
export function nodeReference({ nodeName: name }: Pick<NodeSettings, "nodeName">): ObjectReference {
  return { kind: "Node", name, uid: name };
}
