/**
 * Which endpoints policies and hints choose, as a table for tests.
 *
 * @module
 */
import type { SliceEndpoint } from "../../api/types.ts";
import { type Case, IP, leaving, nodePort, notReady } from "./_address_cases.ts";
import { endpoint, slice } from "./_cluster.ts";

const zone = (...names: string[]): Pick<SliceEndpoint, "hints"> => ({
  hints: { forZones: names.map((name) => ({ name })) },
});
const near = (node: string, hint: string): Pick<SliceEndpoint, "hints"> => ({
  hints: { forNodes: [{ name: node }], forZones: [{ name: hint }] },
});
const local = { ...IP, internalTrafficPolicy: "Local" };
const here = { nodeName: "n1" };
const there = { nodeName: "n2" };

/** Traffic policies, topology hints, and Services whose connections are not led. */
export const POLICY_CASES: readonly Case[] = [
  {
    what: "internalTrafficPolicy Local goes to endpoints of this node",
    spec: local,
    slices: [slice("web", [endpoint(1, here), endpoint(2, there)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "internalTrafficPolicy Local goes nowhere without one",
    spec: local,
    slices: [slice("web", [endpoint(2, there), endpoint(3)])],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "internalTrafficPolicy Local goes to one that ends if there is no other here",
    spec: local,
    slices: [slice("web", [endpoint(1, { ...here, ...leaving }), endpoint(2, there)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "internalTrafficPolicy Local is not for node ports",
    spec: { ...nodePort, internalTrafficPolicy: "Local" },
    slices: [slice("web", [endpoint(2, there)])],
    to: "192.0.2.1:30080",
    goes: ["10.1.0.2:8080"],
  },
  {
    what: "internalTrafficPolicy Local does not look at hints",
    spec: local,
    slices: [
      slice("web", [
        endpoint(1, { ...here, ...zone("b") }),
        endpoint(2, { ...there, ...zone("a") }),
      ]),
    ],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "hints lead to the own zone",
    slices: [slice("web", [endpoint(1, zone("a")), endpoint(2, zone("b"))])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "an endpoint may be meant for several zones",
    slices: [slice("web", [endpoint(1, zone("c", "a")), endpoint(2, zone("b"))])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "hints count only if all have them",
    slices: [slice("web", [endpoint(1, zone("a")), endpoint(2)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080", "10.1.0.2:8080"],
  },
  {
    what: "hints count only if one is for this zone",
    slices: [slice("web", [endpoint(1, zone("b")), endpoint(2, zone("c"))])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080", "10.1.0.2:8080"],
  },
  {
    what: "hints of those that are not ready do not count",
    slices: [slice("web", [endpoint(1, { ...zone("a"), ...notReady }), endpoint(2, zone("b"))])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.2:8080"],
  },
  {
    what: "one that is not ready needs no hint",
    slices: [slice("web", [endpoint(1, zone("a")), endpoint(2, zone("b")), endpoint(3, notReady)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "a node without a zone takes all",
    slices: [slice("web", [endpoint(1, zone("a")), endpoint(2, zone("b"))])],
    node: { zone: undefined },
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080", "10.1.0.2:8080"],
  },
  {
    what: "hints for nodes come before those for zones",
    slices: [slice("web", [endpoint(1, near("n1", "b")), endpoint(2, near("n2", "a"))])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "without one for this node, those for zones are next",
    slices: [slice("web", [endpoint(1, near("n3", "b")), endpoint(2, near("n2", "a"))])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.2:8080"],
  },
  {
    what: "hints are for external addresses as well",
    spec: { ...IP, externalIPs: ["198.51.100.1"] },
    slices: [slice("web", [endpoint(1, zone("a")), endpoint(2, zone("b"))])],
    to: "198.51.100.1:80",
    goes: ["10.1.0.1:8080"],
  },

  {
    what: "a headless Service has no address",
    spec: { clusterIP: "None" },
    to: "10.1.0.1:80",
    goes: undefined,
  },
  {
    what: "an ExternalName has no address",
    spec: { type: "ExternalName", externalName: "a.example", externalIPs: ["198.51.100.1"] },
    to: "198.51.100.1:80",
    goes: undefined,
  },
  {
    what: "a Service of another proxy is left to it",
    spec: { ...IP, labels: { "service.kubernetes.io/service-proxy-name": "mesh" } },
    to: "10.0.0.7:80",
    goes: undefined,
  },
  {
    what: "an endpoint's own address is no Service's",
    to: "10.1.0.1:8080",
    goes: undefined,
  },
];
