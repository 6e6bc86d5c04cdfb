/**
 * Judging what an API server says: its release, its time, and whom it takes us for.
 *
 * @module
 */
import type { Finding } from "./finding.ts";

/** A node may be older than its API server by so many minor releases (version skew policy). */
export const SKEW_MINORS_MAX = 3;
/** More than that is no delay of the network. */
const CLOCK_WARN_MS = 30_000;
/** Signers antedate certificates by so much; a clock that is further behind believes none of them. */
const CLOCK_FAIL_MS = 5 * 60_000;

/** Compares the releases of the API server (`v1.36.3`) and of this node (`1.36.0`). */
export function judgeVersion(server: string | undefined, own: string): Finding {
  const check = "version";
  const theirs = minorOf(server ?? "");
  const ours = minorOf(own);
  if (theirs === undefined || ours === undefined) {
    return {
      check,
      state: "warn",
      message: `the API server calls its release "${server ?? ""}", which is no Kubernetes release`,
      advice: "look at what answers at the server's address",
    };
  }
  const message = `the API server is of release ${server}, this node of ${own}`;
  if (theirs < ours) {
    return {
      check,
      state: "warn",
      message,
      advice: "a node should not be newer than its API server: upgrade the control plane",
    };
  }
  if (theirs > ours + SKEW_MINORS_MAX) {
    return {
      check,
      state: "warn",
      message,
      advice: `a node may be ${SKEW_MINORS_MAX} minor releases older, not more: upgrade krustlet`,
    };
  }
  return { check, state: "ok", message };
}

/** What a request has told of the API server's clock. */
export interface ClockReading {
  /** The answer's `Date` header, whole seconds. */
  readonly serverMs: number;
  /** This machine's time when the request was sent, and when the answer came. */
  readonly sentMs: number;
  readonly cameMs: number;
}

/** Compares this machine's clock with the API server's. */
export function judgeClock(reading: ClockReading | undefined): Finding {
  const check = "clock";
  if (reading === undefined) {
    return {
      check,
      state: "warn",
      message: "the API server does not tell its time",
      advice: "compare the clocks by hand",
    };
  }
  const { serverMs, sentMs, cameMs } = reading;
  // The header leaves out the rest of its second; the answer was written somewhere in between.
  const aheadMs = Math.max(0, sentMs - (serverMs + 1_000));
  const behindMs = Math.max(0, serverMs - cameMs);
  const offMs = Math.max(aheadMs, behindMs);
  const word = aheadMs > 0 ? "ahead of" : "behind";
  const message = offMs < 1_000
    ? "this machine's clock is that of the API server, as far as can be told"
    : `this machine's clock is ${Math.round(offMs / 1_000)} s ${word} the API server's`;
  if (offMs <= CLOCK_WARN_MS) return { check, state: "ok", message };
  return {
    check,
    state: offMs > CLOCK_FAIL_MS ? "fail" : "warn",
    message,
    advice: "set the clock (with NTP): certificates and tokens are good for a time only",
  };
}

/** Who the API server says that we are. */
export interface UserInfo {
  readonly username: string;
  readonly groups: readonly string[];
}

/** Looks whether it is this node, or somebody who may become it. */
export function judgeIdentity(
  user: UserInfo,
  { nodeName, as }: { readonly nodeName: string; readonly as: "node" | "bootstrap" },
): Finding {
  const check = "identity";
  const message = `the API server knows us as "${user.username}"`;
  const wanted = `system:node:${nodeName}`;
  if (as === "bootstrap") {
    if (user.groups.includes("system:bootstrappers")) return { check, state: "ok", message };
    return {
      check,
      state: "warn",
      message: `${message}, which is no bootstrap token`,
      advice: "make a bootstrap file with: krustlet bootstrap",
    };
  }
  if (user.username === wanted && user.groups.includes("system:nodes")) {
    return { check, state: "ok", message };
  }
  const isNode = user.username.startsWith("system:node:");
  return {
    check,
    state: isNode ? "fail" : "warn",
    message: `${message}, not as "${wanted}" of group "system:nodes"`,
    advice: isNode
      ? `start with --node-name ${user.username.slice("system:node:".length)}, or bootstrap anew`
      : "a node should have credentials of its own: make a bootstrap file with krustlet bootstrap, " +
        "and give another --kubeconfig",
  };
}

function minorOf(version: string): number | undefined {
  const found = /^v?1\.(\d+)(?:[.+-]|$)/.exec(version)?.[1];
  return found === undefined ? undefined : Number(found);
}
