import assert from "node:assert/strict";
import { accessFor, findRoute, type Route } from "./routes.ts";

Deno.test("findRoute() knows a kubelet's paths", () => {
  const cases: [string, string, Route["kind"]][] = [
    ["GET", "/healthz", "health"],
    ["HEAD", "/healthz/", "health"],
    ["POST", "/healthz", "method_not_allowed"],
    ["GET", "/healthz/x", "not_found"],
    ["GET", "/pods", "pods"],
    ["GET", "/runningpods/", "running_pods"],
    ["GET", "/containerLogs/ns/pod/main", "logs"],
    ["PUT", "/containerLogs/ns/pod/main", "method_not_allowed"],
    ["GET", "/containerLogs/ns/pod", "not_found"],
    ["GET", "/containerLogs/ns/pod/main/x", "not_found"],
    ["GET", "/containerLogs//pod/main", "not_found"],
    ["GET", "/containerLogs/%ff/pod/main", "not_found"],
    ["GET", "/metrics", "page"],
    ["GET", "/metrics/", "page"],
    ["GET", "/metrics/cadvisor", "page"],
    ["GET", "/metrics/nothing", "not_found"],
    ["GET", "/stats/summary", "page"],
    ["POST", "/stats/summary", "page"],
    ["PUT", "/stats/summary", "method_not_allowed"],
    ["POST", "/metrics", "method_not_allowed"],
    ["GET", "/stats", "not_found"],
    ["GET", "/configz", "page"],
    ["GET", "/logs/", "page"],
    ["GET", "/logs/a/b", "page"],
    ["GET", "/metrics%2Fprobes", "page"],
    ["POST", "/exec/ns/pod/main", "exec"],
    ["GET", "/exec/ns/pod/uid/main", "exec"],
    ["DELETE", "/exec/ns/pod/main", "method_not_allowed"],
    ["GET", "/exec/ns/pod", "not_found"],
    ["GET", "/exec/ns/pod//main", "not_found"],
    ["GET", "/exec/ns/pod/uid/main/x", "not_found"],
    ["GET", "/attach/ns/pod/main", "attach"],
    ["POST", "/portForward/ns/pod", "port_forward"],
    ["GET", "/portForward/ns/pod/uid", "port_forward"],
    ["GET", "/portForward/ns/pod/uid/x", "not_found"],
    ["GET", "/portForward/ns", "not_found"],
    ["POST", "/run/ns/pod/main", "run"],
    ["GET", "/run/ns/pod/main", "method_not_allowed"],
    ["POST", "/checkpoint/ns/pod/main", "not_implemented"],
    ["GET", "/", "not_found"],
    ["GET", "", "not_found"],
    ["GET", "/nothing", "not_found"],
    ["GET", "/constructor", "not_found"],
  ];
  for (const [method, path, kind] of cases) {
    assert.equal(findRoute(method, path).kind, kind, `${method} ${path}`);
  }
});

Deno.test("findRoute() decodes names after it has split the path", () => {
  assert.deepEqual(findRoute("GET", "/containerLogs/a%2Fb/pod.1/main"), {
    kind: "logs",
    namespace: "a/b",
    pod: "pod.1",
    container: "main",
  });
});

Deno.test("accessFor() asks what a kubelet asks", () => {
  const cases: [string, string, string, string[]][] = [
    ["GET", "/containerLogs/a/b/c", "get", ["proxy"]],
    ["POST", "/exec/a/b/c", "create", ["proxy"]],
    ["GET", "/pods", "get", ["pods", "proxy"]],
    ["GET", "/runningpods/", "get", ["pods", "proxy"]],
    ["GET", "/metrics/cadvisor", "get", ["metrics"]],
    ["GET", "/stats/summary", "get", ["stats"]],
    ["GET", "/logs/x", "get", ["log"]],
    ["GET", "/configz", "get", ["configz", "proxy"]],
    ["GET", "/flagz", "get", ["configz"]],
    ["GET", "/statusz", "get", ["statusz"]],
    ["DELETE", "/%ff", "delete", ["proxy"]],
    ["PATCH", "/metricsx", "patch", ["proxy"]],
    ["PUT", "/", "update", ["proxy"]],
  ];
  for (const [method, path, verb, subresources] of cases) {
    assert.deepEqual(
      accessFor({ method, path }, "n"),
      subresources.map((subresource) => ({ verb, resource: "nodes", subresource, name: "n" })),
      `${method} ${path}`,
    );
  }
});
