/**
 * Looking at what pods could have for addresses.
 *
 * @module
 */
import type { ApiClient } from "../api/client.ts";
import { nodePath } from "../api/paths.ts";
import type { Node } from "../api/types.ts";
import type { PodNetworkWish } from "../network/ground.ts";
import { type GroundSurvey, surveyGround } from "../network/survey.ts";
import type { Finding } from "./finding.ts";

/** What is looked at. */
export interface PodNetworkQuestion {
  readonly wanted: PodNetworkWish;
  /** Ranges that somebody gave by hand, or else those of the cluster; undefined if the node is not known there. */
  readonly podCidrs: readonly string[] | undefined;
  /** Address of the node. */
  readonly nodeIp: string;
}

/** Says where pods would have their addresses on this machine, and why nowhere better. Changes nothing. */
export function examinePodNetwork({ wanted, podCidrs, nodeIp }: PodNetworkQuestion): Finding {
  const survey = surveyGround({ podCidrs: podCidrs ?? [], hostIPs: [nodeIp] });
  return judgePodNetwork(survey, { wanted, podCidrs });
}

/** The ranges that the cluster has for this node; undefined if it does not say. */
export async function nodeRanges(
  client: ApiClient,
  { nodeName, signal }: { readonly nodeName: string; readonly signal: AbortSignal },
): Promise<readonly string[] | undefined> {
  try {
    const { spec } = await client.get<Node>(nodePath(nodeName), { signal });
    return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  } catch {
    // It has not joined, or may not ask: other findings say so.
    return undefined;
  }
}

/** Judges what a survey has found. */
export function judgePodNetwork(
  { ranges, noRanges, noLoopback }: GroundSurvey,
  { wanted, podCidrs }: Pick<PodNetworkQuestion, "wanted" | "podCidrs">,
): Finding {
  const check = "pod-network";
  const anyip = ranges.length > 0 && wanted !== "loopback" && wanted !== "host";
  const why = podCidrs === undefined
    ? ["it is not known yet which range the cluster gives this node"]
    : podCidrs.length === 0
    ? ["the node has no spec.podCIDR, and --pod-cidr is not given"]
    : noRanges;
  if (anyip) {
    const message = `pods have addresses of ${ranges.join(" and ")} (anyip)`;
    return noRanges.length === 0
      ? { check, state: "ok", message }
      : { check, state: "warn", message: `${message}, and no others: ${noRanges.join("; ")}` };
  }
  if (wanted === "host") {
    return { check, state: "ok", message: "pods share the node's address (host)" };
  }
  if (wanted === "anyip") {
    const state = podCidrs === undefined ? "warn" : "fail";
    const message = `pods cannot have addresses of the node's range: ${why.join("; ")}`;
    return { check, state, message, advice: "give another --pod-network" };
  }
  if (wanted === "loopback") {
    return noLoopback === undefined
      ? { check, state: "ok", message: "pods have addresses of 127.64.0.0/10 (loopback)" }
      : { check, state: "fail", message: noLoopback, advice: "give another --pod-network" };
  }
  const advice = "Services have no endpoints here: give the node a range (kube-controller-manager \
--allocate-node-cidrs, or --pod-cidr), or choose with --pod-network";
  const message = noLoopback === undefined
    ? `pods have addresses that only this machine reaches (loopback): ${why.join("; ")}`
    : `pods share the node's address (host): ${[...why, noLoopback].join("; ")}`;
  // Before the node has joined, nothing is wrong with that yet.
  if (podCidrs === undefined) return { check, state: "ok", message };
  return noLoopback === undefined
    ? { check, state: "warn", message, advice }
    : { check, state: "warn", message };
}
