import assert from "node:assert/strict";
import { filterLabels } from "./labels.ts";

Deno.test("filterLabels() keeps what the cluster lets a node set", () => {
  const wanted = {
    "disk": "ssd",
    "example.com/a": "b",
    "node.kubernetes.io/a": "b",
    "x.kubelet.kubernetes.io/a": "b",
    "topology.kubernetes.io/zone": "z",
    "notkubernetes.io/a": "b",
  };
  assert.deepEqual(filterLabels(wanted), { labels: wanted, warnings: [] });
});

Deno.test("filterLabels() leaves out the rest, and says which and why", () => {
  const refused = {
    "type": "other",
    "kubernetes.io/arch": "amd64",
    "node-role.kubernetes.io/edge": "",
    "node-restriction.kubernetes.io/a": "b",
    "k8s.io/a": "b",
    "a.k8s.io/b": "c",
  };
  const { labels, warnings } = filterLabels({ ...refused, ok: "1" });
  assert.deepEqual(labels, { ok: "1" });
  assert.equal(warnings.length, Object.keys(refused).length);
  assert.equal(
    warnings[0],
    'Cannot set node label "type": the node sets it itself; it is left out',
  );
  assert.match(warnings[2]!, /"node-role.kubernetes.io\/edge": the cluster lets no node set it/);
});
