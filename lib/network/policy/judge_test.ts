import assert from "node:assert/strict";
import type { NetworkPolicy } from "../../api/types.ts";
import {
  type Case,
  db,
  egress,
  EXAMPLE,
  inFrom,
  OUTSIDE,
  outTo,
  peers,
  ports,
  stranger,
  testCases,
  verdictOf,
  type Wanted,
  WORLD,
} from "./_judge_cases.ts";
import { policy, World } from "./_world.ts";
import { policiesOn, type Verdict } from "./judge.ts";
import { factsOf } from "./pod_table.ts";
import { compilePolicy } from "./rules.ts";

/** Which policies count, and for whom their rules are. */
const CASES: readonly Case[] = [
  ["no policy: everything comes in", [], inFrom(OUTSIDE), "allowed"],
  ["no policy: everything goes out", [], outTo(OUTSIDE), "allowed"],
  ["the example: a pod with the label", EXAMPLE, inFrom("10.1.0.2"), "allowed"],
  ["the example: another port", EXAMPLE, inFrom("10.1.0.2", 80), "refused"],
  ["the example: another protocol", EXAMPLE, inFrom("10.1.0.2", 6379, "UDP"), "refused"],
  ["the example: a pod without the label", EXAMPLE, inFrom("10.1.0.3"), "refused"],
  ["the example: a pod of the project", EXAMPLE, inFrom("10.1.0.5"), "allowed"],
  ["the example: a pod of another namespace", EXAMPLE, inFrom("10.1.0.6"), "refused"],
  ["the example: an address of the block", EXAMPLE, inFrom("172.17.0.9"), "allowed"],
  ["the example: an address that is excepted", EXAMPLE, inFrom("172.17.1.9"), "refused"],
  ["the example: an address outside", EXAMPLE, inFrom(OUTSIDE), "refused"],
  ["the example: out to the block", EXAMPLE, outTo("10.0.0.9", 5978), "allowed"],
  ["the example: out to another port", EXAMPLE, outTo("10.0.0.9", 443), "refused"],
  ["the example: out to elsewhere", EXAMPLE, outTo("10.0.1.9", 5978), "refused"],
  [
    "default deny ingress",
    { podSelector: {}, policyTypes: ["Ingress"] },
    inFrom("10.1.0.2"),
    "refused",
  ],
  [
    "default deny ingress: out",
    { podSelector: {}, policyTypes: ["Ingress"] },
    outTo(OUTSIDE),
    "allowed",
  ],
  [
    "allow all ingress",
    { podSelector: {}, ingress: [{}], policyTypes: ["Ingress"] },
    inFrom(OUTSIDE, 1, "SCTP"),
    "allowed",
  ],
  ["default deny egress", egress(), outTo("10.1.0.2"), "refused"],
  ["default deny egress: in", egress(), inFrom(OUTSIDE), "allowed"],
  ["allow all egress", egress({}), outTo(OUTSIDE), "allowed"],
  [
    "deny all: in",
    { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    inFrom("10.1.0.2"),
    "refused",
  ],
  [
    "deny all: out",
    { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
    outTo("10.1.0.2"),
    "refused",
  ],
  ["types by default: ingress", { podSelector: {} }, inFrom("10.1.0.2"), "refused"],
  ["types by default: no egress without rules", { podSelector: {} }, outTo(OUTSIDE), "allowed"],
  [
    "types by default: an empty list is no rule",
    { podSelector: {}, egress: [] },
    outTo(OUTSIDE),
    "allowed",
  ],
  [
    "types by default: egress with rules",
    { podSelector: {}, egress: [{ ports: [{ port: 1 }] }] },
    outTo(OUTSIDE),
    "refused",
  ],
  [
    "rules for a type that is not named",
    { podSelector: {}, policyTypes: ["Egress"], ingress: [] },
    inFrom(OUTSIDE),
    "allowed",
  ],
  [
    "another pod is selected",
    { podSelector: { matchLabels: { role: "x" } } },
    inFrom(OUTSIDE),
    "allowed",
  ],
  ["an empty list of peers is everybody", peers(), inFrom(OUTSIDE), "allowed"],
  ["an empty list of ports is all", ports(), inFrom(OUTSIDE, 9, "SCTP"), "allowed"],
  [
    "an empty podSelector: its own namespace",
    peers({ podSelector: {} }),
    inFrom("10.1.0.3"),
    "allowed",
  ],
  [
    "an empty podSelector: no other namespace",
    peers({ podSelector: {} }),
    inFrom("10.1.0.5"),
    "refused",
  ],
  ["an empty podSelector: nobody outside", peers({ podSelector: {} }), inFrom(OUTSIDE), "refused"],
  [
    "an empty namespaceSelector: all pods",
    peers({ namespaceSelector: {} }),
    inFrom("10.1.0.6"),
    "allowed",
  ],
  [
    "an empty namespaceSelector: nobody outside",
    peers({ namespaceSelector: {} }),
    inFrom(OUTSIDE),
    "refused",
  ],
  [
    "both selectors in one peer: both fit",
    peers({
      namespaceSelector: { matchLabels: { project: "myproject" } },
      podSelector: { matchLabels: { role: "client" } },
    }),
    inFrom("10.1.0.5"),
    "allowed",
  ],
  [
    "both selectors in one peer: only the pod fits",
    peers({
      namespaceSelector: { matchLabels: { project: "myproject" } },
      podSelector: { matchLabels: { role: "client" } },
    }),
    inFrom("10.1.0.6"),
    "refused",
  ],
  [
    "both selectors in one peer: only the namespace fits",
    peers({
      namespaceSelector: { matchLabels: { project: "myproject" } },
      podSelector: { matchLabels: { role: "frontend" } },
    }),
    inFrom("10.1.0.5"),
    "refused",
  ],
  [
    "two selectors in two peers: one is enough",
    peers(
      { namespaceSelector: { matchLabels: { project: "myproject" } } },
      { podSelector: { matchLabels: { role: "frontend" } } },
    ),
    inFrom("10.1.0.2"),
    "allowed",
  ],
  [
    "a namespace by its name",
    peers({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "other" } } }),
    inFrom("10.1.0.6"),
    "allowed",
  ],
  [
    "a namespace by another name",
    peers({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "other" } } }),
    inFrom("10.1.0.5"),
    "refused",
  ],
  [
    "namespaces by several names",
    peers({
      namespaceSelector: {
        matchExpressions: [{
          key: "kubernetes.io/metadata.name",
          operator: "In",
          values: ["partner", "other"],
        }],
      },
    }),
    inFrom("10.1.0.5"),
    "allowed",
  ],
  [
    "namespaces by all names but one",
    peers({
      namespaceSelector: {
        matchExpressions: [{
          key: "kubernetes.io/metadata.name",
          operator: "NotIn",
          values: ["other"],
        }],
      },
    }),
    inFrom("10.1.0.6"),
    "refused",
  ],
  [
    "several labels, of which one fits",
    peers({ podSelector: { matchLabels: { role: "frontend", tier: "x" } } }),
    inFrom("10.1.0.2"),
    "refused",
  ],
];

testCases(CASES);

Deno.test("policiesOn() knows no policies of other namespaces", () => {
  const policies = [compilePolicy(policy({ podSelector: {} }, { namespace: "other" }))];
  assert.deepEqual(policiesOn(factsOf(db), { direction: "ingress", policies }), []);
  assert.equal(policiesOn(factsOf(stranger), { direction: "ingress", policies }).length, 1);
});

Deno.test("judge() answers what it can before all is known, and nothing that may turn out otherwise", () => {
  const knowing = (...known: string[]): World =>
    new World({ ...WORLD, known: new Set(known), knowsNamespaces: false });
  const ask = (spec: NetworkPolicy["spec"], wanted: Wanted, world: World): Verdict =>
    verdictOf([spec], { wanted, world });
  assert.equal(ask(EXAMPLE, inFrom("172.17.0.9"), knowing()), "allowed");
  assert.equal(ask(EXAMPLE, inFrom("10.1.0.3", 80), knowing()), "refused");
  assert.equal(ask(EXAMPLE, inFrom("10.1.0.3"), knowing()), "unknown");
  assert.equal(ask(EXAMPLE, inFrom("10.1.0.2"), knowing("shop")), "allowed");
  // It may be of the project's namespaces, whose labels nobody knows yet.
  assert.equal(ask(EXAMPLE, inFrom("10.1.0.5"), knowing("shop")), "unknown");
  assert.equal(ask(EXAMPLE, inFrom("10.1.0.5"), knowing("shop", "partner")), "unknown");
  const own = peers({ podSelector: {} });
  assert.equal(ask(own, inFrom("10.1.0.5"), knowing("shop")), "refused");
  assert.equal(ask(own, inFrom("10.1.0.5"), knowing("partner")), "refused");
  const named = egress({ ports: [{ port: "dns", protocol: "UDP" }] });
  assert.equal(ask(named, outTo("10.1.0.4", 53, "UDP"), knowing("shop")), "unknown");
  assert.equal(ask(named, outTo("10.1.0.4", 53), knowing("shop")), "refused");
  assert.equal(ask(named, outTo("10.1.0.4", 53, "UDP"), knowing("kube-system")), "allowed");
});
