/**
 * Where connections to Services go, as a table for tests.
 *
 * @module
 */
import type { EndpointSlice, Service } from "../../api/types.ts";
import { endpoint, service, slice } from "./_cluster.ts";
import type { NodePlace } from "./choose.ts";

/** What an endpoint says that takes no connections. */
export const notReady = { conditions: { ready: false } };
/** What an endpoint says that still answers while it ends. */
export const leaving = { conditions: { ready: false, serving: true, terminating: true } };

/** One row: a Service `shop/web`, its slices, and who asks for what. */
export interface Case {
  readonly what: string;
  readonly spec?: Parameters<typeof service>[1];
  readonly slices?: readonly EndpointSlice[];
  /** `address:port`, or `[address]:port`; TCP unless it begins with `udp `. */
  readonly to: string;
  readonly node?: Partial<NodePlace>;
  /** Every endpoint that may be chosen, `refused`, or `undefined`. */
  readonly goes: readonly string[] | "refused" | undefined;
}

/** What Services here have. */
export const IP = { clusterIP: "10.0.0.7" };
/** What they have behind them. */
export const one = [slice("web", [endpoint(1)])];
const dual = [
  ...one,
  slice("web", [{ addresses: ["fd00::1"] }], { name: "web-6", addressType: "IPv6" }),
];
const dualIPs = { clusterIP: "10.0.0.7", clusterIPs: ["10.0.0.7", "fd00:1::7"] };
const twoPorts = {
  ports: [
    { name: "http", port: 80, protocol: "TCP" },
    { name: "dns", port: 53, protocol: "UDP" },
    { name: "dns-tcp", port: 53, protocol: "TCP" },
  ],
};
const twoTargets = [
  slice("web", [endpoint(1)], {
    ports: [
      { name: "http", port: 8080, protocol: "TCP" },
      { name: "dns", port: 5353, protocol: "UDP" },
      { name: "dns-tcp", port: 5354, protocol: "TCP" },
    ],
  }),
];
const balanced = (ip: string, ipMode?: string): NonNullable<Service["status"]> => ({
  loadBalancer: { ingress: [ipMode === undefined ? { ip } : { ip, ipMode }] },
});
/** What a Service has that every node has a port of. */
export const nodePort = { ...IP, ports: [{ port: 80, protocol: "TCP", nodePort: 30_080 }] };

/** Addresses, ports and readiness. A client at `10.1.0.200` asks on node `n1` of zone `a`, which is 192.0.2.1 and 2001:db8::1. */
export const ADDRESS_CASES: readonly Case[] = [
  { what: "another address is no Service's", to: "10.0.0.8:80", goes: undefined },
  { what: "a cluster IP leads to its endpoint", to: "10.0.0.7:80", goes: ["10.1.0.1:8080"] },
  {
    what: "all ready endpoints are as good as each other",
    slices: [slice("web", [endpoint(1), endpoint(2), endpoint(3)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080"],
  },
  {
    what: "endpoints of several slices count",
    slices: [...one, slice("web", [endpoint(2)], { name: "web-2" })],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080", "10.1.0.2:8080"],
  },
  { what: "without slices nobody serves", slices: [], to: "10.0.0.7:80", goes: "refused" },
  {
    what: "with an empty slice nobody serves",
    slices: [slice("web", [])],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "slices without lists are empty",
    slices: [{ ...slice("web", []), endpoints: null, ports: null }],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "slices of another Service do not count",
    slices: [slice("other", [endpoint(1)])],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "slices of another namespace do not count",
    slices: [slice("web", [endpoint(1)], { namespace: "lab" })],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  { what: "a port that it does not have is refused", to: "10.0.0.7:81", goes: "refused" },
  { what: "a protocol that it does not have is refused", to: "udp 10.0.0.7:80", goes: "refused" },
  {
    what: "ports go by their names",
    spec: { ...IP, ...twoPorts },
    slices: twoTargets,
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "the same port over UDP is another one",
    spec: { ...IP, ...twoPorts },
    slices: twoTargets,
    to: "udp 10.0.0.7:53",
    goes: ["10.1.0.1:5353"],
  },
  {
    what: "the same port over TCP is another one",
    spec: { ...IP, ...twoPorts },
    slices: twoTargets,
    to: "10.0.0.7:53",
    goes: ["10.1.0.1:5354"],
  },
  {
    what: "slices without the port have nobody who serves it",
    spec: { ...IP, ...twoPorts },
    slices: one,
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "slices may have different target ports",
    slices: [
      ...one,
      slice("web", [endpoint(2)], { name: "web-2", ports: [{ name: "", port: 81 }] }),
    ],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080", "10.1.0.2:81"],
  },
  {
    what: "a slice's port without a number is nobody's",
    slices: [slice("web", [endpoint(1)], { ports: [{ name: "" }] })],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "SCTP ports are not TCP ports",
    spec: { ...IP, ports: [{ port: 80, protocol: "SCTP" }] },
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "a port without a protocol is TCP",
    spec: { ...IP, ports: [{ port: 80 }] },
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },

  {
    what: "who is not ready is not chosen",
    slices: [slice("web", [endpoint(1, notReady), endpoint(2)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.2:8080"],
  },
  {
    what: "if none is ready nobody serves",
    slices: [slice("web", [endpoint(1, notReady)])],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "who ends and still serves is not chosen while others are ready",
    slices: [slice("web", [endpoint(1, leaving), endpoint(2)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.2:8080"],
  },
  {
    what: "who ends and still serves is better than nobody",
    slices: [slice("web", [endpoint(1, leaving), endpoint(2, notReady)])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "who ends and serves no more is nobody",
    slices: [
      slice("web", [
        endpoint(1, { conditions: { ready: false, serving: false, terminating: true } }),
      ]),
    ],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "who serves, does not end and is not ready is not chosen",
    slices: [slice("web", [endpoint(1, { conditions: { ready: false, serving: true } })])],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "who is ready while it ends is chosen (publishNotReadyAddresses)",
    slices: [
      slice("web", [
        endpoint(1, { conditions: { ready: true, serving: true, terminating: true } }),
      ]),
    ],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "conditions that nobody tells are those of a ready one",
    slices: [slice("web", [endpoint(1, { conditions: {} })])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "an endpoint without an address is none",
    slices: [slice("web", [{ addresses: [] }, { addresses: ["name"] }])],
    to: "10.0.0.7:80",
    goes: "refused",
  },
  {
    what: "only the first address of an endpoint counts",
    slices: [slice("web", [{ addresses: ["10.1.0.1", "10.1.0.9"] }])],
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },

  {
    what: "IPv4 goes to IPv4",
    spec: dualIPs,
    slices: dual,
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "IPv6 goes to IPv6",
    spec: dualIPs,
    slices: dual,
    to: "[fd00:1::7]:80",
    goes: ["[fd00::1]:8080"],
  },
  {
    what: "an IPv6 address is the same however it is written",
    spec: { clusterIP: "FD00:1:0::7" },
    slices: dual,
    to: "[fd00:1::7]:80",
    goes: ["[fd00::1]:8080"],
  },
  {
    what: "a family without endpoints is refused",
    spec: dualIPs,
    slices: one,
    to: "[fd00:1::7]:80",
    goes: "refused",
  },
  {
    what: "slices of names lead nowhere",
    slices: [slice("web", [{ addresses: ["a.example"] }], { addressType: "FQDN" })],
    to: "10.0.0.7:80",
    goes: "refused",
  },

  {
    what: "an external IP leads to the same",
    spec: { ...IP, externalIPs: ["198.51.100.1"] },
    to: "198.51.100.1:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "other ports of an external IP are somebody else's",
    spec: { ...IP, externalIPs: ["198.51.100.1"] },
    to: "198.51.100.1:22",
    goes: undefined,
  },
  {
    what: "an external IP without endpoints is refused",
    spec: { ...IP, externalIPs: ["198.51.100.1"] },
    slices: [],
    to: "198.51.100.1:80",
    goes: "refused",
  },
  {
    what: "a load balancer's IP leads to the same",
    spec: { ...IP, type: "LoadBalancer", status: balanced("203.0.113.5") },
    to: "203.0.113.5:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "a load balancer of mode VIP does, too",
    spec: { ...IP, type: "LoadBalancer", status: balanced("203.0.113.5", "VIP") },
    to: "203.0.113.5:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "a load balancer of mode Proxy is reached by itself",
    spec: { ...IP, type: "LoadBalancer", status: balanced("203.0.113.5", "Proxy") },
    to: "203.0.113.5:80",
    goes: undefined,
  },
  {
    what: "a load balancer with a name only is reached by itself",
    spec: { ...IP, type: "LoadBalancer", status: { loadBalancer: { ingress: [{}] } } },
    to: "203.0.113.5:80",
    goes: undefined,
  },
  {
    what: "a load balancer lets in who is in its ranges",
    spec: {
      ...IP,
      type: "LoadBalancer",
      loadBalancerSourceRanges: [" 10.1.0.0/24"],
      status: balanced("203.0.113.5"),
    },
    to: "203.0.113.5:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "a load balancer keeps out who is not",
    spec: {
      ...IP,
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["198.51.100.0/24"],
      status: balanced("203.0.113.5"),
    },
    to: "203.0.113.5:80",
    goes: "refused",
  },
  {
    what: "ranges that are none let nobody in",
    spec: {
      ...IP,
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["everybody"],
      status: balanced("203.0.113.5"),
    },
    to: "203.0.113.5:80",
    goes: "refused",
  },
  {
    what: "the ranges of a load balancer are not those of the cluster IP",
    spec: {
      ...IP,
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["198.51.100.0/24"],
      status: balanced("203.0.113.5"),
    },
    to: "10.0.0.7:80",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "a node port of this node leads to the Service",
    spec: nodePort,
    to: "192.0.2.1:30080",
    goes: ["10.1.0.1:8080"],
  },
  {
    what: "a node port at the node's other address takes endpoints of that family",
    spec: { ...nodePort, ...dualIPs },
    slices: dual,
    to: "[2001:db8::1]:30080",
    goes: ["[fd00::1]:8080"],
  },
  {
    what: "a node port of another node is that node's",
    spec: nodePort,
    to: "192.0.2.2:30080",
    goes: undefined,
  },
  {
    what: "other ports of this node are programs'",
    spec: nodePort,
    to: "192.0.2.1:22",
    goes: undefined,
  },
  {
    what: "a node port goes by its protocol",
    spec: nodePort,
    to: "udp 192.0.2.1:30080",
    goes: undefined,
  },
  {
    what: "a node port without endpoints is refused",
    spec: nodePort,
    slices: [],
    to: "192.0.2.1:30080",
    goes: "refused",
  },
  {
    what: "a node port is no port of the cluster IP",
    spec: nodePort,
    to: "10.0.0.7:30080",
    goes: "refused",
  },
];
