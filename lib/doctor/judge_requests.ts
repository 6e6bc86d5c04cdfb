/**
 * Judging this node's certificate requests: is somebody being waited for?
 *
 * @module
 */
import type { Finding } from "./finding.ts";

/** The part of a CertificateSigningRequest (certificates.k8s.io/v1) that is looked at. */
export interface SigningRequest {
  readonly metadata: { readonly name: string; readonly creationTimestamp?: string };
  readonly spec: { readonly signerName: string; readonly username?: string };
  readonly status?: {
    readonly certificate?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status?: string;
      readonly reason?: string;
      readonly message?: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

/** A signer takes a moment. */
const SIGNING_MS_MAX = 60_000;

/** Looks at the newest request of `username` for each signer; older ones are of no interest. */
export function judgeRequests(
  requests: readonly SigningRequest[],
  { username, nowMs }: { readonly username: string; readonly nowMs: number },
): Finding[] {
  const own = requests.filter(({ spec }) => spec.username === username);
  const newest = Map.groupBy(own, ({ spec }) => spec.signerName).values()
    .map((group) => group.reduce((a, b) => createdMs(b) > createdMs(a) ? b : a));
  const findings = [...newest].map((request) => judgeRequest(request, nowMs))
    .filter((finding) => finding !== undefined);
  if (findings.length > 0) return findings;
  return [{ check: "requests", state: "ok", message: "no certificate request waits for anybody" }];
}

function judgeRequest(request: SigningRequest, nowMs: number): Finding | undefined {
  const { metadata: { name }, spec: { signerName }, status } = request;
  const condition = (
    type: string,
  ): NonNullable<NonNullable<SigningRequest["status"]>["conditions"]>[number] | undefined =>
    status?.conditions?.find((each) => each.type === type && each.status !== "False");
  const check = "requests";
  const which = `certificate request "${name}" of signer "${signerName}"`;
  const refusal = condition("Denied") ?? condition("Failed");
  if (refusal !== undefined) {
    const words = [refusal.reason, refusal.message].filter((word) => word).join(": ");
    return {
      check,
      state: "fail",
      message: `${which} ${refusal.type === "Denied" ? "was denied" : "failed"} (${words})`,
      advice: refusal.type === "Denied"
        ? "ask the cluster's administrators who denied it; a node that runs asks again by itself"
        : "look at the log of kube-controller-manager, or of whoever signs",
    };
  }
  if (status?.certificate) return undefined;
  const approval = condition("Approved");
  if (approval === undefined) {
    return {
      check,
      state: "warn",
      message: `${which} waits for approval`,
      advice: `kubectl certificate approve ${name}`,
    };
  }
  const sinceMs = Date.parse(approval.lastTransitionTime ?? "") || createdMs(request);
  if (nowMs - sinceMs < SIGNING_MS_MAX) return undefined;
  return {
    check,
    state: "fail",
    message: `${which} is approved, and nobody signs it`,
    advice: "kube-controller-manager must run with --cluster-signing-cert-file and its key",
  };
}

function createdMs({ metadata }: SigningRequest): number {
  return Date.parse(metadata.creationTimestamp ?? "") || 0;
}
