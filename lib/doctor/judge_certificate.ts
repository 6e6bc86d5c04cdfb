/**
 * Judging the certificates that are on disk.
 *
 * @module
 */
import type { Finding } from "./finding.ts";

/** A certificate as it was found. */
export interface CertificateFacts {
  /** Where it is, for people. */
  readonly file: string;
  /** In ms since 1970. */
  readonly notBeforeMs: number;
  /** In ms since 1970. */
  readonly notAfterMs: number;
  /** Names of this node that it lacks. */
  readonly missing: readonly string[];
  /** True if the agent asks for the next one by itself. */
  readonly renewed: boolean;
}

/** What is looked at, and when. */
export interface CertificateQuestion {
  readonly kind: "client" | "serving";
  readonly nowMs: number;
  /** True if there is a bootstrap file to begin anew with. */
  readonly canBootstrap: boolean;
}

/** A part of its life: with less left, its renewal is late. */
const LATE_SHARE = 0.1;

/** Judges one certificate, or that there is none. */
export function judgeCertificate(
  facts: CertificateFacts | undefined,
  question: CertificateQuestion,
): Finding {
  const { kind, nowMs } = question;
  const check = `${kind}-certificate`;
  if (facts === undefined) return absent(question);
  const { file, notBeforeMs, notAfterMs, missing, renewed } = facts;
  const until = new Date(notAfterMs).toISOString();
  if (nowMs >= notAfterMs) {
    const message = `certificate "${file}" has ended at ${until}`;
    return { check, state: "fail", message, advice: advice(question) };
  }
  if (nowMs < notBeforeMs) {
    return {
      check,
      state: "fail",
      message: `certificate "${file}" is not valid before ${new Date(notBeforeMs).toISOString()}`,
      advice: "set this machine's clock",
    };
  }
  if (missing.length > 0) {
    return {
      check,
      state: "warn",
      message: `certificate "${file}" lacks "${missing.join('", "')}"`,
      advice: "start the agent again: it asks for another one, which has to be approved",
    };
  }
  const message = `certificate "${file}" is good for ${
    lifeText(notAfterMs - nowMs)
  }, until ${until}`;
  if (notAfterMs - nowMs >= LATE_SHARE * (notAfterMs - notBeforeMs)) {
    return { check, state: "ok", message };
  }
  return {
    check,
    state: "warn",
    message,
    advice: renewed
      ? "its renewal is late: kubectl describe node says why, if the agent runs"
      : "this agent does not renew it: put another one in its place",
  };
}

/** A length of time in the unit that says enough. */
function lifeText(ms: number): string {
  for (const [unit, unitMs] of UNITS_MS) {
    if (ms >= 2 * unitMs) return `${Math.floor(ms / unitMs)} ${unit}`;
  }
  return `${Math.floor(ms / 1_000)} seconds`;
}

const UNITS_MS = [["days", 86_400_000], ["hours", 3_600_000], ["minutes", 60_000]] as const;

function absent({ kind, canBootstrap }: CertificateQuestion): Finding {
  const check = `${kind}-certificate`;
  if (kind === "serving") {
    return {
      check,
      state: "warn",
      message: "there is no serving certificate yet",
      advice: "the agent asks for it when it starts, and says how to approve it",
    };
  }
  return canBootstrap
    ? { check, state: "ok", message: "there is none yet; the agent asks for it when it starts" }
    : { check, state: "ok", message: "the kubeconfig has none; the node speaks by a token" };
}

function advice({ kind, canBootstrap }: CertificateQuestion): string {
  if (kind === "serving") {
    return "start the agent: it asks for another one, which has to be approved";
  }
  return canBootstrap
    ? "start the agent: it bootstraps again, if the bootstrap file's token is good"
    : "make a bootstrap file with: krustlet bootstrap";
}
