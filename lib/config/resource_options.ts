/**
 * Options for what the node keeps back from pods, and when it ends them. Names and defaults are a
 * kubelet's, but for what this program itself needs.
 *
 * @module
 */
import { KubeletError } from "../errors.ts";
import {
  EVICTION_HARD_DEFAULT,
  type EvictionRules,
  parseGraces,
  parseThresholds,
} from "../thresholds.ts";
import * as kinds from "./kinds.ts";
import { defineOptions, type OptionValues } from "./option.ts";
import { graces, reclaims, reserved, thresholds } from "./resource_kinds.ts";

const MINUTE_MS = 60_000;
/** A day: who waits longer is not evicted but forgotten. */
const POD_GRACE_SECONDS_MAX = 86_400;

/** Options of the node agent. */
export const RESOURCE_OPTIONS = defineOptions({
  systemReserved: {
    flag: "system-reserved",
    env: "KRUSTLET_SYSTEM_RESERVED",
    key: "systemReserved",
    kind: reserved,
    default: {},
    help: "What is kept back from pods for other programs of the machine.",
    group: "Node",
  },
  kubeReserved: {
    flag: "kube-reserved",
    env: "KRUSTLET_KUBE_RESERVED",
    key: "kubeReserved",
    kind: reserved,
    // The agent with its pool of warm guest processes at rest, measured and rounded up.
    default: { cpu: "50m", memory: "128Mi" },
    help: "What is kept back from pods for the node agent itself.",
    group: "Node",
  },
  evictionHard: {
    flag: "eviction-hard",
    env: "KRUSTLET_EVICTION_HARD",
    key: "evictionHard",
    kind: thresholds,
    defaultText: "a kubelet's: 100Mi of memory, 10% of the disk",
    help: "Below which amounts pods are evicted, and the node says that it is short.",
    group: "Node",
  },
  evictionSoft: {
    flag: "eviction-soft",
    env: "KRUSTLET_EVICTION_SOFT",
    key: "evictionSoft",
    kind: thresholds,
    default: {},
    help: "Below which amounts pods are evicted after some time, and gently.",
    group: "Node",
  },
  evictionSoftGracePeriod: {
    flag: "eviction-soft-grace-period",
    env: "KRUSTLET_EVICTION_SOFT_GRACE_PERIOD",
    key: "evictionSoftGracePeriod",
    kind: graces,
    default: {},
    help: "How long a soft threshold has to be met before pods are evicted.",
    group: "Node",
  },
  evictionMaxPodGracePeriod: {
    flag: "eviction-max-pod-grace-period",
    env: "KRUSTLET_EVICTION_MAX_POD_GRACE_PERIOD",
    key: "evictionMaxPodGracePeriod",
    kind: kinds.integer(0, POD_GRACE_SECONDS_MAX),
    default: 0,
    help: "The longest grace period, in seconds, of a pod that goes for a soft threshold.",
    group: "Node",
  },
  evictionMinimumReclaim: {
    flag: "eviction-minimum-reclaim",
    env: "KRUSTLET_EVICTION_MINIMUM_RECLAIM",
    key: "evictionMinimumReclaim",
    kind: reclaims,
    default: {},
    help: "How much beyond its threshold a signal has to be before evictions end.",
    group: "Node",
  },
  evictionPressureTransitionMs: {
    flag: "eviction-pressure-transition-period",
    env: "KRUSTLET_EVICTION_PRESSURE_TRANSITION_PERIOD",
    key: "evictionPressureTransitionPeriod",
    kind: kinds.duration(0, 60 * MINUTE_MS),
    default: 5 * MINUTE_MS,
    help: "How long the node goes on saying that it is short after it was.",
    group: "Node",
  },
});

/** What the node keeps back, and when it evicts. */
export interface ResourceSettings {
  /** Quantities by resource, for other programs. */
  readonly systemReserved: Readonly<Record<string, string>>;
  /** Quantities by resource, for this program. */
  readonly kubeReserved: Readonly<Record<string, string>>;
  /** When pods are evicted, and how. */
  readonly eviction: EvictionRules;
}

/**
 * The settings that follow from the options.
 *
 * @throws {KubeletError} `invalid`, for a soft threshold without a grace period.
 */
export function resourceSettings(
  values: OptionValues<typeof RESOURCE_OPTIONS>,
): ResourceSettings {
  return {
    systemReserved: values.systemReserved,
    kubeReserved: values.kubeReserved,
    eviction: {
      thresholds: parseThresholds(values.evictionHard ?? EVICTION_HARD_DEFAULT),
      soft: softThresholds(values),
      podGraceMsMax: values.evictionMaxPodGracePeriod * 1_000,
      minimumReclaim: parseThresholds(values.evictionMinimumReclaim),
      transitionMs: values.evictionPressureTransitionMs,
    },
  };
}

function softThresholds(
  { evictionSoft, evictionSoftGracePeriod }: OptionValues<typeof RESOURCE_OPTIONS>,
): NonNullable<EvictionRules["soft"]> {
  const soft = {
    thresholds: parseThresholds(evictionSoft),
    graceMs: parseGraces(evictionSoftGracePeriod),
  };
  for (const signal of Object.keys(soft.thresholds)) {
    if (Object.hasOwn(soft.graceMs, signal)) continue;
    throw new KubeletError(
      "invalid",
      `Cannot use --eviction-soft for "${signal}": it has no --eviction-soft-grace-period; add ${signal}=90s`,
    );
  }
  return soft;
}
