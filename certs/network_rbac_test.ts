import assert from "node:assert/strict";
import { HttpError } from "./_test_cluster.ts";
import type { BootstrapObjects, KubernetesObject } from "./bootstrap_token.ts";
import { ensureNetworkRbac } from "./network_rbac.ts";

/** An administrator's client of a cluster that keeps what it is given. */
function cluster(): BootstrapObjects & { readonly stored: Map<string, KubernetesObject> } {
  const stored = new Map<string, KubernetesObject>();
  return {
    stored,
    create(object): Promise<void> {
      stored.set(object.kind, object);
      return Promise.resolve();
    },
    get: ({ kind }) => Promise.resolve(stored.get(kind)),
  };
}

Deno.test("ensureNetworkRbac() lets nodes see what names and connections depend on, and change nothing", async () => {
  const objects = cluster();
  const outcomes = async (): Promise<string[]> =>
    (await ensureNetworkRbac(objects)).map(({ outcome }) => outcome);
  assert.deepEqual(await outcomes(), ["created", "created"]);
  const { rules } = objects.stored.get("ClusterRole") as unknown as {
    rules: { resources: string[]; verbs: string[] }[];
  };
  assert.deepEqual(rules.flatMap(({ resources }) => resources), [
    "services",
    "pods",
    "namespaces",
    "endpointslices",
    "networkpolicies",
  ]);
  assert.deepEqual([...new Set(rules.flatMap(({ verbs }) => verbs))], ["get", "list", "watch"]);
  const { roleRef, subjects } = objects.stored.get("ClusterRoleBinding") as unknown as {
    roleRef: { name: string };
    subjects: { name: string }[];
  };
  assert.deepEqual([roleRef.name, subjects.map(({ name }) => name)], [
    "krustlet:network",
    ["system:nodes"],
  ]);
  assert.deepEqual(await outcomes(), ["existed", "existed"]);
});

Deno.test("ensureNetworkRbac() leaves a role alone that says something else", async () => {
  const objects = cluster();
  await ensureNetworkRbac(objects);
  const role = { ...objects.stored.get("ClusterRole")!, rules: [] };
  objects.stored.set("ClusterRole", role);
  const [report] = await ensureNetworkRbac(objects);
  assert.equal(report?.outcome, "differs");
  assert.match(report?.message ?? "", /delete it and run this again/);
  assert.equal(objects.stored.get("ClusterRole"), role);
});

Deno.test("ensureNetworkRbac() names the role that it may not make", async () => {
  const objects = cluster();
  objects.create = () => Promise.reject(new HttpError(403, "it is forbidden"));
  await assert.rejects(ensureNetworkRbac(objects), {
    code: "forbidden",
    message:
      'Cannot make ClusterRole "krustlet:network": it is forbidden; run this as a cluster administrator',
  });
});
