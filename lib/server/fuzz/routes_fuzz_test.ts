/**
 * Paths with their methods: what is right leads where it says, and nothing leads past the permission
 * that it needs.
 */
import assert from "node:assert/strict";
import { mutateText } from "../../fuzz/mutate.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";
import { accessFor, findRoute, type Route } from "../routes.ts";
import { makePath, METHODS } from "./request_cases.ts";

const CASES = casesOf(10_000);
const NODE = "n";
const VERBS: Readonly<Record<string, string>> = {
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Parts of a path that names something. */
const LENGTHS: Readonly<Partial<Record<Route["kind"], readonly number[]>>> = {
  ...{ logs: [4], exec: [4, 5], attach: [4, 5], run: [4, 5], port_forward: [3, 4] },
};

/** What a kubelet asks for before it serves the route. */
function neededFor(route: Route, path: string): string[] | undefined {
  switch (route.kind) {
    case "health":
      return ["healthz", "proxy"];
    case "pods":
    case "running_pods":
      return ["pods", "proxy"];
    case "page":
      return {
        ...{ metrics: ["metrics"], cadvisor: ["metrics"], probes: ["metrics"] },
        ...{ resource: ["metrics"], summary: ["stats"], configz: ["configz", "proxy"] },
        ...{ flagz: ["configz"], statusz: ["statusz"], logs: ["log"] },
      }[route.page];
    case "logs":
    case "exec":
    case "attach":
    case "run":
    case "port_forward":
      return ["proxy"];
    case "not_implemented":
      return decodeURIComponent(path.split("/")[1]!) === "checkpoint" ? ["checkpoint"] : ["proxy"];
    default:
      return undefined;
  }
}

/** The texts that a route was made of. */
function namesOf(route: Route): readonly string[] {
  if (route.kind === "page") return route.rest;
  return Object.entries(route).filter(([name]) => name !== "kind" && name !== "allow").map((
    [, text],
  ) => text);
}

Deno.test(`findRoute() and accessFor() agree about every path, ${CASES} times`, async () => {
  const tally = await runCases("paths", CASES, (random) => {
    const made = makePath(random);
    const { path, right } = random.once(2)
      ? { path: made.path, right: true }
      : { path: mutateText(random, made.path, [makePath(random).path]), right: false };
    const method = random.once(3) ? random.of(METHODS) : random.of(made.methods);
    const route = findRoute(method, path);
    if (right && made.methods.includes(method)) assert.deepEqual(route, made.route);
    else if (right) {
      assert.deepEqual(route, { kind: "method_not_allowed", allow: made.methods.join(", ") });
    }
    const accesses = accessFor({ method, path }, NODE);
    assert.ok(accesses.length > 0, "it is open to everybody");
    for (const { verb, resource, name } of accesses) {
      assert.deepEqual([verb, resource, name], [VERBS[method] ?? "get", "nodes", NODE]);
    }
    const needed = neededFor(route, path.startsWith("/") ? path : `/${path}`);
    if (needed !== undefined) {
      assert.deepEqual(accesses.map(({ subresource }) => subresource), needed);
      // Nothing that a path does not name, and nothing without a name but where a folder is shown.
      const segments = path.replace(/^\//, "").split("/").map(decodeURIComponent);
      const lengths = LENGTHS[route.kind];
      if (lengths !== undefined) assert.ok(lengths.includes(segments.length), path);
      for (const text of namesOf(route)) {
        assert.ok(segments.includes(text));
        assert.ok(text !== "" || route.kind === "page");
      }
    }
    return route.kind;
  });
  assertAllSaid(tally, ["logs", "page", "not_found", "method_not_allowed"]);
});
