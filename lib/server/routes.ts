/**
 * Which paths the server has, and what a caller must be allowed to do for each.
 *
 * @module
 */
import type { NodeAccess } from "./auth.ts";
import type { StreamRoute } from "./stream_source.ts";

/** What a request asks for. */
export type Route =
  | { readonly kind: "health" }
  | {
    readonly kind: "logs";
    readonly namespace: string;
    readonly pod: string;
    readonly container: string;
  }
  | StreamRoute
  /** A command whose output is the answer. */
  | {
    readonly kind: "run";
    readonly namespace: string;
    readonly pod: string;
    readonly uid?: string;
    readonly container: string;
  }
  | { readonly kind: "pods" }
  | { readonly kind: "running_pods" }
  /** Something that tells of the node; `rest` is what follows its path, decoded. */
  | { readonly kind: "page"; readonly page: PageName; readonly rest: readonly string[] }
  /** A path that a kubelet has and this program does not. */
  | { readonly kind: "not_implemented" }
  | { readonly kind: "method_not_allowed"; readonly allow: string }
  | { readonly kind: "not_found" };

/** First segments of a kubelet's paths that are not served here. */
const NOT_IMPLEMENTED = new Set([
  "checkpoint",
  "cri",
  "debug",
]);

/** Pages by path. */
const PAGES = {
  "metrics": "metrics",
  "metrics/cadvisor": "cadvisor",
  "metrics/probes": "probes",
  "metrics/resource": "resource",
  "stats/summary": "summary",
  "configz": "configz",
  "flagz": "flagz",
  "statusz": "statusz",
} as const;

/** A page that tells of the node. */
export type PageName = typeof PAGES[keyof typeof PAGES] | "logs";

const READ_METHODS = ["GET", "HEAD"];
/** A stream is asked for by an upgrade of either; a WebSocket is by GET. */
const STREAM_METHODS = ["GET", "POST"];

/** Finds the route of a method and a path. The path has no query and is still percent-encoded. */
export function findRoute(method: string, path: string): Route {
  const segments = decodeSegments(path);
  if (segments === undefined) return { kind: "not_found" };
  const route = findResource(segments);
  if (route.kind === "not_found" || route.kind === "not_implemented") return route;
  const methods = methodsOf(route);
  if (methods.includes(method)) return route;
  return { kind: "method_not_allowed", allow: methods.join(", ") };
}

function methodsOf(route: Route): readonly string[] {
  switch (route.kind) {
    case "run":
      return ["POST"];
    case "exec":
    case "attach":
    case "port_forward":
      return STREAM_METHODS;
    case "page":
      // As a kubelet has it, though nothing in the body counts.
      return route.page === "summary" ? [...READ_METHODS, "POST"] : READ_METHODS;
    default:
      return READ_METHODS;
  }
}

function findResource([first, ...rest]: readonly string[]): Route {
  const isAlone = rest.length === 0 || (rest.length === 1 && rest[0] === "");
  if (first === "healthz" && (isAlone || isHealthCheck(rest))) return { kind: "health" };
  if (first === "pods" && isAlone) return { kind: "pods" };
  if (first === "runningpods" && isAlone) return { kind: "running_pods" };
  const page = findPage(first ?? "", rest);
  if (page !== undefined) return page;
  const [namespace, pod, container] = rest;
  if (first === "containerLogs" && rest.length === 3 && namespace && pod && container) {
    return { kind: "logs", namespace, pod, container };
  }
  if (first === "exec" || first === "attach" || first === "run") {
    const place = inContainer(rest);
    return place === undefined ? { kind: "not_found" } : { kind: first, ...place };
  }
  if (first === "portForward") {
    const [namespace, pod, uid, ...more] = rest;
    if (!namespace || !pod || uid === "" || more.length > 0) return { kind: "not_found" };
    return { kind: "port_forward", namespace, pod, ...(uid === undefined ? {} : { uid }) };
  }
  return {
    kind: first !== undefined && NOT_IMPLEMENTED.has(first) ? "not_implemented" : "not_found",
  };
}

/** `<namespace>/<pod>/<container>`, or with the pod's UID before the container. */
function inContainer(
  segments: readonly string[],
): { namespace: string; pod: string; uid?: string; container: string } | undefined {
  if (segments.some((segment) => segment === "")) return undefined;
  const [namespace, pod, third, fourth] = segments as [string, string, string, string];
  if (segments.length === 3) return { namespace, pod, container: third };
  if (segments.length === 4) return { namespace, pod, uid: third, container: fourth };
  return undefined;
}

/** The checks that `/healthz` is made of. Whoever gets an answer has seen them all pass. */
function isHealthCheck(rest: readonly string[]): boolean {
  return rest.length === 1 && ["ping", "log", "syncloop"].includes(rest[0] ?? "");
}

function findPage(first: string, rest: readonly string[]): Route | undefined {
  if (first === "logs") return { kind: "page", page: "logs", rest };
  const path = [first, ...rest].join("/").replace(/\/$/, "");
  if (!Object.hasOwn(PAGES, path)) return undefined;
  return { kind: "page", page: PAGES[path as keyof typeof PAGES], rest: [] };
}

function decodeSegments(path: string): string[] | undefined {
  try {
    return path.replace(/^\//, "").split("/").map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/**
 * What a caller must be allowed, any one of them, as a kubelet of Kubernetes 1.36 asks it
 * (fine-grained authorization, KEP-2862): the particular sub-resource, else `proxy`.
 */
export function accessFor(
  { method, path }: { readonly method: string; readonly path: string },
  nodeName: string,
): NodeAccess[] {
  const verb = verbOf(method);
  return subresourcesOf(path).map((subresource) => ({
    verb,
    resource: "nodes",
    subresource,
    name: nodeName,
  }));
}

function subresourcesOf(path: string): string[] {
  const first = decodeSegments(path)?.[0];
  switch (first) {
    case "stats":
    case "metrics":
    case "checkpoint":
    case "statusz":
      return [first];
    case "flagz":
      return ["configz"];
    case "logs":
      return ["log"];
    case "pods":
    case "runningpods":
      return ["pods", "proxy"];
    case "healthz":
    case "configz":
      return [first, "proxy"];
    default:
      return ["proxy"];
  }
}

function verbOf(method: string): NodeAccess["verb"] {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return "delete";
    default:
      return "get";
  }
}
