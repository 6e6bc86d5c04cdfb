import assert from "node:assert/strict";
import type { NetworkPolicy } from "../../api/types.ts";
import type { Endpoint } from "../../guest_network.ts";
import { policy } from "./_world.ts";
import type { Verdict } from "./judge.ts";
import { judgeNameServer, type NameServer } from "./name_servers.ts";
import { compilePolicy } from "./rules.ts";

type Egress = NonNullable<NonNullable<NetworkPolicy["spec"]>["egress"]>;

const NODES: NameServer = { at: { ip: "192.0.2.53", port: 53 }, isWished: false };
const WISHED: NameServer = { at: { ip: "203.0.113.53", port: 53 }, isWished: true };
const MACHINES: NameServer = { isWished: false };
const KUBE_DNS = [{ podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }];
const NAMES = [{ protocol: "UDP", port: 53 }];

type Row = readonly [
  what: string,
  egress: Egress,
  server: NameServer,
  judged: Verdict,
  verdict: Verdict,
];
const ROWS: readonly Row[] = [
  ["nothing goes out", [], NODES, "refused", "refused"],
  ["nothing goes out, also by the machine", [], MACHINES, "refused", "refused"],
  [
    "names of the cluster's server",
    [{ to: KUBE_DNS, ports: NAMES }],
    NODES,
    "refused",
    "allowed",
  ],
  ["the same, by the machine", [{ to: KUBE_DNS, ports: NAMES }], MACHINES, "refused", "allowed"],
  [
    "the same, and the pod's own server",
    [{ to: KUBE_DNS, ports: NAMES }],
    WISHED,
    "refused",
    "refused",
  ],
  [
    "a range with the port",
    [{ ports: [{ protocol: "UDP", port: 50, endPort: 60 }] }],
    NODES,
    "refused",
    "allowed",
  ],
  [
    "the port of another protocol",
    [{ ports: [{ protocol: "SCTP", port: 53 }] }],
    NODES,
    "refused",
    "refused",
  ],
  ["another port", [{ ports: [{ port: 443 }] }], NODES, "refused", "refused"],
  ["the port by a name", [{ ports: [{ port: "dns" }] }], NODES, "refused", "refused"],
  ["pods on all ports", [{ to: KUBE_DNS }], MACHINES, "refused", "refused"],
  ["a place that is allowed", [{ to: KUBE_DNS }], NODES, "allowed", "allowed"],
  ["the pod's own server, allowed", [{}], WISHED, "allowed", "allowed"],
  ["a place that nobody knows yet", [{ to: KUBE_DNS }], NODES, "unknown", "unknown"],
  ["everything, by the machine", [{}], MACHINES, "refused", "allowed"],
  [
    "blocks, by the machine",
    [{ to: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }],
    MACHINES,
    "refused",
    "allowed",
  ],
];

for (const [what, egress, server, judged, verdict] of ROWS) {
  Deno.test(`judgeNameServer(): ${what}`, () => {
    const spec = { podSelector: {}, policyTypes: ["Egress"], egress };
    const limiting = [compilePolicy(policy(spec))];
    const asked: string[] = [];
    const judge = ({ ip, port }: Endpoint, protocol: string): Verdict => {
      asked.push(`${ip} ${port} ${protocol}`);
      return judged;
    };
    assert.equal(judgeNameServer(server, { limiting, judge }), verdict);
    assert.ok(asked.every((one) => one.startsWith(`${server.at?.ip} 53 `)), asked.join());
  });
}

Deno.test("judgeNameServer() allows everything to whom no policy limits", () => {
  const judge = (): Verdict => "refused";
  assert.equal(judgeNameServer(WISHED, { limiting: [], judge }), "allowed");
});
