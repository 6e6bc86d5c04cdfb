/**
 * Pages about the agent itself: `/statusz` (KEP-4827) and `/flagz` (KEP-4828), as of Kubernetes 1.36, and
 * `/configz`.
 *
 * @module
 */
import { kubeTime } from "../time.ts";
import type { PageAnswer } from "./pages.ts";

/** What `/statusz` tells. */
export interface StatuszFacts {
  /** When the agent began, in ms since 1970. */
  readonly startedMs: number;
  readonly nowMs: number;
  /** The agent's own version. */
  readonly version: string;
  /** The release whose kubelet the agent follows, as `1.36`. */
  readonly emulationVersion: string;
  /** Paths worth a look. */
  readonly paths: readonly string[];
}

const COMPONENT = "kubelet";
const API_VERSION = "config.k8s.io/v1beta1";
const WARNING = "Warning: This endpoint is not meant to be machine parseable, has no formatting " +
  "compatibility guarantees and is for debugging purposes only.";

/** `/statusz`: how long the agent runs, and which version it is. */
export function statuszPage(facts: StatuszFacts, accept: string): PageAnswer {
  const { startedMs, nowMs, version, emulationVersion, paths } = facts;
  const uptimeSeconds = Math.max(0, Math.floor((nowMs - startedMs) / 1000));
  const object = {
    kind: "Statusz",
    apiVersion: API_VERSION,
    metadata: { name: COMPONENT },
    startTime: kubeTime(startedMs),
    uptimeSeconds,
    goVersion: "",
    binaryVersion: version,
    emulationVersion,
    paths,
  };
  return inEither("Statusz", accept, object, [
    `Started: ${new Date(startedMs).toUTCString()}`,
    `Up: ${uptimeText(uptimeSeconds)}`,
    `Binary version: ${version}`,
    `Emulation version: ${emulationVersion}`,
    `Paths: ${paths.join(" ")}`,
  ]);
}

/** `/flagz`: the agent's options and their values, wherever they were given. */
export function flagzPage(flags: Readonly<Record<string, string>>, accept: string): PageAnswer {
  const sorted = Object.entries(flags).toSorted(([one], [other]) => one < other ? -1 : 1);
  const object = {
    kind: "Flagz",
    apiVersion: API_VERSION,
    metadata: { name: COMPONENT },
    flags: Object.fromEntries(sorted),
  };
  return inEither("Flagz", accept, object, sorted.map(([name, value]) => `${name}=${value}`));
}

/** `/configz`: the configuration by a kubelet's names. */
export function configzPage(config: Readonly<Record<string, unknown>>): PageAnswer {
  return jsonPage({ kubeletconfig: config });
}

/** An object as JSON. */
export function jsonPage(value: unknown): PageAnswer {
  return { contentType: "application/json", body: JSON.stringify(value) };
}

/** As JSON for whoever asks for that kind by name, else as a text; 406 for anything else. */
function inEither(
  kind: string,
  accept: string,
  object: unknown,
  lines: readonly string[],
): PageAnswer {
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (["", "*/*", "text/*", "text/plain"].includes(type)) {
      const name = `${COMPONENT} ${kind.toLowerCase()}`;
      const body = `\n${name}\n${WARNING}\n\n${lines.join("\n")}\n`;
      return { contentType: "text/plain; charset=utf-8", body };
    }
    const wanted = ["g=config.k8s.io", "v=v1beta1", `as=${kind}`];
    if (type === "application/json" && wanted.every((one) => parameters.includes(one))) {
      return jsonPage(object);
    }
  }
  return {
    status: 406,
    contentType: "text/plain; charset=utf-8",
    body:
      `Not acceptable: there are text/plain, and application/json;g=config.k8s.io;v=v1beta1;as=${kind}\n`,
  };
}

function uptimeText(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)} hr ${two(Math.floor(seconds / 60) % 60)} min ${
    two(seconds % 60)
  } sec`;
}
