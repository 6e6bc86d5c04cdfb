/**
 * Paths, queries and headers as an API server sends them, with what they mean, and as nobody should.
 * For tests only.
 *
 * @module
 */
import type { Random } from "../../fuzz/random.ts";
import type { PageName, Route } from "../routes.ts";

/** Names of pods and containers are tamer; what a path can carry is not. */
const ODD_NAMES = [
  ...["..", ".", "%", "a/b", "ü", "🦀", "a b", "\0", "\r\n", "?", "#", "__proto__", "constructor"],
  ..."-_~!$&'()*+,;=:@",
];

/** One name: mostly a plain one. */
export function makeName(random: Random): string {
  return random.once(6) ? random.of(ODD_NAMES) : random.word("abz09-.", 1, 8);
}

/** A text as a part of a path or a query, with more of it escaped than must be. */
export function escaped(random: Random, text: string): string {
  let out = "";
  for (const char of text) {
    if (/[\w.~-]/.test(char) && !random.once(12)) out += char;
    else {
      const hex = new TextEncoder().encode(char).toHex();
      const cased = random.once(2) ? hex : hex.toUpperCase();
      out += cased.replace(/../g, "%$&");
    }
  }
  return out;
}

/** A path, and the route that it must lead to when its method is allowed. */
export interface MadePath {
  readonly path: string;
  readonly methods: readonly string[];
  readonly route: Route;
}

const PAGES: readonly [string, PageName][] = [
  ["metrics", "metrics"],
  ["metrics/cadvisor", "cadvisor"],
  ["metrics/probes", "probes"],
  ["metrics/resource", "resource"],
  ["stats/summary", "summary"],
  ["configz", "configz"],
  ["flagz", "flagz"],
  ["statusz", "statusz"],
];
const READ = ["GET", "HEAD"];
const STREAM = ["GET", "POST"];

/** A path that means something. */
export function makePath(random: Random): MadePath {
  const written = (...segments: readonly string[]): string =>
    segments.map((segment) => `/${escaped(random, segment)}`).join("");
  const slash = random.once(2) ? "" : "/";
  const [namespace, pod, container, uid] = random.list(4, 4, () => makeName(random)) as [
    string,
    string,
    string,
    string,
  ];
  switch (random.below(9)) {
    case 0: {
      const check = random.of(["", "", "/ping", "/log", "/syncloop"]);
      const path = written("healthz") + (check === "" ? slash : check);
      return { path, methods: READ, route: { kind: "health" } };
    }
    case 1:
      return { path: written("pods") + slash, methods: READ, route: { kind: "pods" } };
    case 2:
      return {
        path: written("runningpods") + slash,
        methods: READ,
        route: { kind: "running_pods" },
      };
    case 3: {
      const [path, page] = random.of(PAGES);
      const methods = page === "summary" ? [...READ, "POST"] : READ;
      return {
        path: written(...path.split("/")) + slash,
        methods,
        route: { kind: "page", page, rest: [] },
      };
    }
    case 4: {
      const rest = random.list(0, 3, () => makeName(random));
      return {
        path: written("logs", ...rest),
        methods: READ,
        route: { kind: "page", page: "logs", rest },
      };
    }
    case 5:
      return {
        path: written("containerLogs", namespace, pod, container),
        methods: READ,
        route: { kind: "logs", namespace, pod, container },
      };
    case 6: {
      const withUid = random.once(2);
      const path = written("portForward", namespace, pod, ...(withUid ? [uid] : []));
      const route: Route = { kind: "port_forward", namespace, pod, ...(withUid ? { uid } : {}) };
      return { path, methods: STREAM, route };
    }
    case 7: {
      const path = written(
        random.of(["checkpoint", "cri", "debug"]),
        ...(random.once(2) ? [pod] : []),
      );
      return { path, methods: METHODS, route: { kind: "not_implemented" } };
    }
    default: {
      const kind = random.of(["exec", "attach", "run"] as const);
      const withUid = random.once(2);
      const path = written(kind, namespace, pod, ...(withUid ? [uid] : []), container);
      const route: Route = { kind, namespace, pod, container, ...(withUid ? { uid } : {}) };
      return { path, methods: kind === "run" ? ["POST"] : STREAM, route };
    }
  }
}

/** What HTTP has, and what it has not. */
export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

const ODD_VALUES = [
  "",
  "0",
  "-1",
  "+1",
  "1e3",
  "0x10",
  " 1",
  "1.0",
  "99999999999999999999",
  "٣",
  "null",
];
const TIMES = [
  "2024-01-01T00:00:00Z",
  "2024-02-29T23:59:59.123456789+14:00",
  "2023-02-29T00:00:00Z",
  "2024-04-31T00:00:00Z",
  "2024-01-01T24:00:00Z",
  "2024-01-01T23:59:60Z",
  "2024-01-01t00:00:00z",
  "2024-01-01T00:00:00+24:00",
  "2024-13-01T00:00:00Z",
  "0000-01-01T00:00:00Z",
  "2024-01-01T00:00:00",
  "2024-01-01 00:00:00Z",
];
const BOOLEANS = ["true", "false", "1", "0", "", "TRUE", "yes", "2"];

/** Parameters of a request for logs: mostly of the right form. */
export function makeLogParams(random: Random): [string, string][] {
  const value = (right: string): string => random.once(6) ? random.of(ODD_VALUES) : right;
  const digits = (): string => value(random.word("0123456789", 1, random.once(8) ? 20 : 3));
  const makers: readonly (() => [string, string])[] = [
    () => [random.of(["follow", "previous", "timestamps"]), value(random.of(BOOLEANS))],
    () => [random.of(["tailLines", "limitBytes", "sinceSeconds"]), digits()],
    () => ["sinceTime", value(random.of(TIMES))],
    () => ["stream", value(random.of(["All", "Stdout", "Stderr", "stdout"]))],
    () => ["tailLines", "all"],
    () => [random.of(["pretty", "container", "__proto__"]), makeName(random)],
  ];
  return random.list(0, 4, () => random.of(makers)());
}

/** A query string of these parameters. */
export function queryOf(random: Random, params: readonly (readonly [string, string])[]): string {
  return params.map(([name, value]) => `${escaped(random, name)}=${escaped(random, value)}`).join(
    "&",
  );
}
