import assert from "node:assert/strict";
import type { NetworkPolicy } from "../../api/types.ts";
import { policy } from "./_world.ts";
import { type Needs, needsOf, POD_WATCHES_MAX } from "./needs.ts";
import { compilePolicy } from "./rules.ts";

function needs(...specs: NetworkPolicy["spec"][]): Needs {
  return needsOf(specs.map((spec) => compilePolicy(policy(spec))));
}

const named = (
  name: string,
): NonNullable<NonNullable<NetworkPolicy["spec"]>["egress"]>[number] => ({
  to: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } }],
});

Deno.test("needsOf() asks for no more of the cluster than the rules can come to need", () => {
  const none = { pods: new Set(), namespaces: false };
  const block = { ipBlock: { cidr: "10.0.0.0/8" } };
  assert.deepEqual(needs(), none);
  assert.deepEqual(needs({ podSelector: {} }, { ingress: [{}], egress: [{}] }), none);
  assert.deepEqual(needs({ ingress: [{ from: [block], ports: [{ port: "http" }] }] }), none);
  assert.deepEqual(needs({ ingress: [{ from: [{ podSelector: {} }] }] }), {
    pods: new Set(["shop"]),
    namespaces: false,
  });
  assert.deepEqual(needs({ egress: [named("a"), named("b")] }), {
    pods: new Set(["a", "b"]),
    namespaces: false,
  });
  assert.deepEqual(needs({ ingress: [{ from: [{ namespaceSelector: {} }] }] }), {
    pods: "all",
    namespaces: false,
  });
  const team = { namespaceSelector: { matchLabels: { team: "a" } } };
  assert.deepEqual(needs({ ingress: [{ from: [team] }] }), { pods: "all", namespaces: true });
});

Deno.test("needsOf() wants all pods for a port that any of them may have named", () => {
  const ports = [{ port: "dns", protocol: "UDP" }];
  const block = { ipBlock: { cidr: "10.0.0.0/8" } };
  assert.equal(needs({ egress: [{ ports }] }).pods, "all");
  assert.equal(needs({ egress: [{ to: [block], ports }] }).pods, "all");
  assert.deepEqual(needs({ egress: [{ ...named("a"), ports }] }).pods, new Set(["a"]));
});

Deno.test("needsOf() wants all pods rather than very many watches", () => {
  const many = (count: number): Needs =>
    needs({ egress: Array.from({ length: count }, (_, at) => named(`n${at}`)) });
  assert.notEqual(many(POD_WATCHES_MAX).pods, "all");
  assert.equal(many(POD_WATCHES_MAX + 1).pods, "all");
});
