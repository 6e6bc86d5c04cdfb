/**
 * The configuration as `/configz` shows it: `KubeletConfiguration` of `kubelet.config.k8s.io/v1beta1`, as
 * far as this program has the same setting.
 *
 * @module
 */
import { formatDuration } from "../durations.ts";
import type { Amount, Thresholds } from "../thresholds.ts";
import type { Taint } from "../api/types.ts";
import type { DnsSettings } from "./dns_options.ts";
import type { ImageSettings } from "./image_options.ts";
import type { ResourceSettings } from "./resource_options.ts";
import type { ShutdownSettings } from "./shutdown_options.ts";

/** What is shown. `KrustletConfig` fits. */
export interface ShownSettings extends ResourceSettings, ShutdownSettings {
  readonly listenerAddress: string;
  readonly listenerPort: number;
  readonly healthzPort: number;
  readonly healthzBindAddress: string;
  readonly enableSystemLogHandler: boolean;
  readonly maxPods: number;
  readonly nodeStatusUpdateFrequencyMs: number;
  readonly registerWithTaints: readonly Taint[] | undefined;
  readonly images: ImageSettings;
  readonly podManifestPath: string | undefined;
  readonly dns: DnsSettings;
}

/** The configuration by a kubelet's names. Nothing of it is a secret. */
export function shownConfig(settings: ShownSettings): Record<string, unknown> {
  const { images: { pulls, collection, statusMax }, eviction, registerWithTaints } = settings;
  const { podManifestPath, shutdownEndsPods, dns } = settings;
  return {
    kind: "KubeletConfiguration",
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    address: settings.listenerAddress,
    port: settings.listenerPort,
    healthzPort: settings.healthzPort,
    healthzBindAddress: settings.healthzBindAddress,
    enableSystemLogHandler: settings.enableSystemLogHandler,
    authentication: { anonymous: { enabled: false } },
    authorization: { mode: "Webhook" },
    maxPods: settings.maxPods,
    nodeStatusUpdateFrequency: formatDuration(settings.nodeStatusUpdateFrequencyMs),
    nodeStatusMaxImages: statusMax,
    ...(registerWithTaints === undefined ? {} : { registerWithTaints }),
    clusterDomain: dns.clusterDomain,
    ...(dns.clusterDns.length > 0 ? { clusterDNS: dns.clusterDns } : {}),
    resolvConf: dns.resolvConf,
    systemReserved: settings.systemReserved,
    kubeReserved: settings.kubeReserved,
    evictionHard: amounts(eviction.thresholds),
    evictionMinimumReclaim: amounts(eviction.minimumReclaim),
    evictionPressureTransitionPeriod: formatDuration(eviction.transitionMs),
    serializeImagePulls: pulls.parallelMax === 1,
    ...(pulls.parallelMax === undefined ? {} : { maxParallelImagePulls: pulls.parallelMax }),
    registryPullQPS: pulls.perSecond,
    registryBurst: pulls.burst,
    imageGCHighThresholdPercent: collection.highPercent,
    imageGCLowThresholdPercent: collection.lowPercent,
    imageMinimumGCAge: formatDuration(collection.minAgeMs),
    imageMaximumGCAge: formatDuration(collection.maxAgeMs),
    ...(podManifestPath === undefined ? {} : { staticPodPath: podManifestPath }),
    shutdownGracePeriod: formatDuration(shutdownEndsPods ? settings.shutdownGracePeriodMs : 0),
    shutdownGracePeriodCriticalPods: formatDuration(
      settings.shutdownGracePeriodCriticalPodsMs ?? 0,
    ),
  };
}

function amounts(thresholds: Thresholds): Record<string, string> {
  return Object.fromEntries(
    Object.entries(thresholds).map(([signal, amount]) => [signal, amountText(amount)]),
  );
}

function amountText(amount: Amount): string {
  return "share" in amount ? `${Number((amount.share * 100).toFixed(6))}%` : String(amount.units);
}
