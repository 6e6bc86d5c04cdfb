import assert from "node:assert/strict";
import {
  configMapPath,
  csrPath,
  eventsPath,
  leasePath,
  namespacePath,
  namespacesPath,
  networkPoliciesPath,
  nodeStatusPath,
  podPath,
  podsPath,
  podStatusPath,
  secretPath,
  serviceAccountTokenPath,
} from "./paths.ts";

Deno.test("paths are those of the API reference", () => {
  assert.equal(podsPath(), "/api/v1/pods");
  assert.equal(podsPath("ns"), "/api/v1/namespaces/ns/pods");
  assert.equal(podStatusPath("ns", "a"), "/api/v1/namespaces/ns/pods/a/status");
  assert.equal(nodeStatusPath("n"), "/api/v1/nodes/n/status");
  assert.equal(
    leasePath("n"),
    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n",
  );
  assert.equal(eventsPath("ns"), "/api/v1/namespaces/ns/events");
  assert.equal(configMapPath("ns", "c"), "/api/v1/namespaces/ns/configmaps/c");
  assert.equal(
    serviceAccountTokenPath("ns", "sa"),
    "/api/v1/namespaces/ns/serviceaccounts/sa/token",
  );
  assert.equal(namespacesPath(), "/api/v1/namespaces");
  assert.equal(namespacePath("ns"), "/api/v1/namespaces/ns");
  assert.equal(
    networkPoliciesPath("ns"),
    "/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies",
  );
  assert.equal(csrPath("c"), "/apis/certificates.k8s.io/v1/certificatesigningrequests/c");
});

Deno.test("paths keep a strange name inside its segment", () => {
  const path = secretPath("a/../b", "x?watch=1#y");
  assert.equal(new URL(path, "http://server").pathname, path);
  assert.equal(path, "/api/v1/namespaces/a%2F..%2Fb/secrets/x%3Fwatch%3D1%23y");
  for (const name of ["", ".", ".."]) {
    assert.throws(() => podPath("ns", name), /it is not a name/);
    assert.throws(() => podPath(name, "a"), /it is not a name/);
  }
});
