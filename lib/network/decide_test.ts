import assert from "node:assert/strict";
import type { Endpoint, NetworkAnswer } from "../guest_network.ts";
import { type DecidableRequest, decide, type NetworkView } from "./decide.ts";

const OWN = "10.64.0.7";
const OWN6 = "fd00::7";
const STAND_IN = "127.65.0.7";
const NODE = "192.168.1.5";
const OTHER = "10.64.0.8";
const SERVICE = "10.0.0.80";

const ALONE: NetworkView = {
  podIPs: [OWN],
  loopback: STAND_IN,
  kind: "own",
  boundAt: (_protocol, port) => port === 8080 ? "any" : port === 8081 ? "loopback" : undefined,
  isPod: (ip) => ["10.64.0.7", OTHER, "127.64.0.8"].includes(ip),
  isNode: (ip) => ip === NODE,
  isNear: () => false,
  nameserver: ({ ip, port }) =>
    ip === "169.254.20.10" && port === 53 ? { ip: "127.0.0.1", port: 10_053 } : undefined,
  destination: ({ ip, port }) =>
    ip !== SERVICE
      ? undefined
      : port === 6443
      ? { ip: "127.0.0.1", port }
      : port === 80
      ? { ip: OTHER, port: 8080 }
      : "refused",
  mayReach: () => true,
  judge: () => ({ verdict: "allowed", policies: [] }),
};
const VIEWS = {
  alone: ALONE,
  dual: { ...ALONE, podIPs: [OWN, OWN6] },
  six: { ...ALONE, podIPs: [OWN6] },
  bare: { ...ALONE, loopback: undefined },
  shared: { ...ALONE, podIPs: [NODE], loopback: undefined, kind: "shared" },
  node: { ...ALONE, podIPs: [NODE], loopback: undefined, kind: "node" },
  closed: { ...ALONE, judge: () => ({ verdict: "refused", policies: ["none"] }) },
  early: { ...ALONE, judge: () => ({ verdict: "unknown", policies: [] }) },
  listed: { ...ALONE, mayReach: ({ ip }) => ip === SERVICE },
  "node-listed": {
    ...ALONE,
    ...{ podIPs: [NODE], loopback: undefined, kind: "node" },
    mayReach: ({ ip, port }) => ip === "127.0.0.1" && port === 5_432,
  },
  fenced: { ...ALONE, podIPs: [NODE], kind: "shared" },
  near: { ...ALONE, isNear: (ip) => ip === "10.65.0.3" },
} as const satisfies Record<string, NetworkView>;

type Row = readonly [
  view: keyof typeof VIEWS,
  want: "bind" | "connect" | "send",
  asked: string,
  answer: string,
];
const ROWS: readonly Row[] = [
  ["alone", "bind", "0.0.0.0 8080", "10.64.0.7 8080"],
  ["alone", "bind", ":: 8080", "10.64.0.7 8080"],
  ["alone", "bind", "10.64.0.7 80", "10.64.0.7 80"],
  ["alone", "bind", "127.0.0.1 80", "127.65.0.7 80"],
  ["alone", "bind", "::1 80", "127.65.0.7 80"],
  ["alone", "bind", "10.64.0.8 80", "addrnotavail not-own-address"],
  ["alone", "bind", "127.64.0.8 80", "addrnotavail not-own-address"],
  ["alone", "bind", "192.168.1.5 80", "addrnotavail not-own-address"],
  ["dual", "bind", ":: 80", "10.64.0.7 80"],
  ["dual", "bind", "fd00::7 80", "fd00::7 80"],
  ["six", "bind", ":: 80", "fd00::7 80"],
  ["six", "bind", "0.0.0.0 80", "addrnotavail not-own-address"],
  ["shared", "bind", "0.0.0.0 80", "0.0.0.0 80"],
  ["shared", "bind", "127.0.0.1 80", "127.0.0.1 80"],
  ["shared", "bind", "192.168.1.5 80", "192.168.1.5 80"],
  ["shared", "bind", "10.64.0.8 80", "addrnotavail not-own-address"],
  ["fenced", "bind", "0.0.0.0 80", "0.0.0.0 80"],
  ["fenced", "bind", "127.0.0.1 80", "127.65.0.7 80"],
  ["fenced", "connect", "127.0.0.1 8080", "192.168.1.5 8080 from 192.168.1.5"],
  ["fenced", "connect", "127.0.0.1 99", "127.65.0.7 99 from 127.65.0.7"],
  ["node", "bind", "0.0.0.0 80", "0.0.0.0 80"],
  ["node", "bind", "127.0.0.1 80", "127.0.0.1 80"],
  ["node", "connect", "127.0.0.1 53", "127.0.0.1 53"],
  ["node-listed", "send", "127.0.0.53 53", "acces allowed-hosts"],
  ["node-listed", "connect", "127.0.0.1 10053", "acces allowed-hosts"],
  ["node-listed", "connect", "127.0.0.1 5432", "127.0.0.1 5432"],
  ["node-listed", "connect", "127.0.0.1 8080", "127.0.0.1 8080"],
  // A pod's own loopback.
  ["alone", "connect", "127.0.0.1 8080", "10.64.0.7 8080 from 10.64.0.7"],
  ["alone", "connect", "::1 8080", "10.64.0.7 8080 from 10.64.0.7"],
  ["alone", "connect", "127.0.0.1 8081", "127.65.0.7 8081 from 127.65.0.7"],
  ["alone", "connect", "127.0.0.1 99", "127.65.0.7 99 from 127.65.0.7"],
  ["alone", "connect", "127.65.0.8 99", "127.65.0.7 99 from 127.65.0.7"],
  ["alone", "send", "127.9.9.9 99", "127.65.0.7 99 from 127.65.0.7"],
  ["six", "connect", "127.0.0.1 8080", "127.65.0.7 8080 from 127.65.0.7"],
  ["six", "connect", "::1 8080", "fd00::7 8080 from fd00::7"],
  ["closed", "connect", "127.0.0.1 8080", "10.64.0.7 8080 from 10.64.0.7"],
  ["shared", "connect", "127.0.0.1 99", "connrefused node-loopback"],
  ["shared", "connect", "127.0.0.1 8080", "127.0.0.1 8080"],
  ["node", "connect", "127.0.0.1 99", "127.0.0.1 99"],
  // Others.
  ["alone", "connect", "10.64.0.7 99", "10.64.0.7 99 from 10.64.0.7"],
  ["closed", "connect", "10.64.0.7 99", "10.64.0.7 99 from 10.64.0.7"],
  ["alone", "connect", "10.64.0.8 80", "10.64.0.8 80 from 10.64.0.7"],
  ["alone", "connect", "127.64.0.8 80", "127.64.0.8 80 from 10.64.0.7"],
  ["alone", "connect", "192.168.1.5 80", "192.168.1.5 80 from 10.64.0.7"],
  ["alone", "connect", "1.1.1.1 443", "1.1.1.1 443"],
  ["alone", "connect", "169.254.169.254 80", "169.254.169.254 80"],
  ["near", "connect", "10.65.0.3 80", "10.65.0.3 80 from 10.64.0.7"],
  ["dual", "connect", "fd00::8 80", "fd00::8 80"],
  ["closed", "connect", "1.1.1.1 443", "acces policy"],
  ["closed", "send", "10.64.0.8 53", "acces policy"],
  ["early", "connect", "10.64.0.8 53", "again unknown"],
  ["early", "connect", "127.0.0.1 8080", "10.64.0.7 8080 from 10.64.0.7"],
  ["shared", "connect", "192.168.1.5 80", "192.168.1.5 80"],
  // An address of its own, and nothing that stands for its loopback.
  ["bare", "connect", "127.0.0.1 8080", "10.64.0.7 8080 from 10.64.0.7"],
  ["bare", "connect", "127.0.0.1 8081", "127.0.0.1 8081"],
  ["bare", "connect", "127.0.0.1 99", "connrefused node-loopback"],
  // Services.
  ["alone", "connect", "10.0.0.80 80", "10.64.0.8 8080 from 10.64.0.7"],
  ["alone", "connect", "10.0.0.80 81", "connrefused no-endpoints"],
  ["closed", "connect", "10.0.0.80 80", "acces policy"],
  ["node", "connect", "10.0.0.80 80", "10.64.0.8 8080"],
  ["listed", "connect", "10.0.0.80 80", "10.64.0.8 8080 from 10.64.0.7"],
  ["listed", "connect", "10.64.0.8 8080", "acces allowed-hosts"],
  ["listed", "connect", "127.0.0.1 8080", "10.64.0.7 8080 from 10.64.0.7"],
  // An endpoint that is the machine's own loopback, which no pod may reach.
  ["alone", "connect", "10.0.0.80 6443", "connrefused no-endpoints"],
  ["shared", "connect", "10.0.0.80 6443", "connrefused no-endpoints"],
  // The cluster's nameserver.
  ["alone", "send", "169.254.20.10 53", "127.0.0.1 10053 from 10.64.0.7"],
  ["closed", "send", "169.254.20.10 53", "127.0.0.1 10053 from 10.64.0.7"],
  ["closed", "send", "169.254.20.10 80", "acces policy"],
  ["node", "send", "169.254.20.10 53", "127.0.0.1 10053"],
  ["shared", "send", "169.254.20.10 53", "127.0.0.1 10053"],
  // Who has no address of its own, or none of that family, has one that stands for its loopback.
  ["fenced", "send", "169.254.20.10 53", "127.0.0.1 10053 from 127.65.0.7"],
  ["six", "send", "169.254.20.10 53", "127.0.0.1 10053 from 127.65.0.7"],
];

for (const [view, want, asked, answer] of ROWS) {
  Deno.test(`decide() answers ${want} ${asked} of a pod that is ${view} by: ${answer}`, () => {
    const request: DecidableRequest = { want, protocol: "tcp", endpoint: endpoint(asked) };
    assert.equal(verdict(request, VIEWS[view]), answer);
  });
}

const PEERS: readonly (readonly [keyof typeof VIEWS, from: string, local: string, string])[] = [
  ["alone", OTHER, OWN, "let in"],
  ["closed", OTHER, OWN, "acces policy"],
  ["closed", "127.64.0.8", OWN, "acces policy"],
  ["closed", "127.65.0.8", OWN, "acces policy"],
  ["closed", "1.1.1.1", OWN, "acces policy"],
  ["early", OTHER, OWN, "again unknown"],
  ["closed", OWN, OWN, "let in"],
  ["closed", STAND_IN, STAND_IN, "let in"],
  ["closed", NODE, OWN, "let in"],
  ["closed", "127.0.0.1", OWN, "let in"],
  ["closed", "127.0.0.1", STAND_IN, "let in"],
];

for (const [view, from, local, answer] of PEERS) {
  Deno.test(`decide() lets ${from} come to ${local} of a pod that is ${view}: ${answer}`, () => {
    const request: DecidableRequest = {
      want: "accept",
      protocol: "tcp",
      endpoint: { ip: from, port: 40_000 },
      local: { ip: local, port: 8080 },
    };
    const said = verdict(request, VIEWS[view]);
    assert.equal(said, answer === "let in" ? `${local} 8080` : answer);
  });
}

Deno.test("decide() asks policies about the endpoint of a Service, and about the port that is served", () => {
  const asked: unknown[] = [];
  const view: NetworkView = {
    ...ALONE,
    judge: (direction, of) => {
      asked.push({ direction, ...of });
      return { verdict: "allowed", policies: [] };
    },
  };
  decide({ want: "connect", protocol: "tcp", endpoint: { ip: SERVICE, port: 80 } }, view);
  const local = { ip: OWN, port: 8080 };
  decide({ want: "accept", protocol: "tcp", endpoint: { ip: OTHER, port: 4_000 }, local }, view);
  assert.deepEqual(asked, [
    { direction: "egress", peer: { ip: OTHER, port: 8080 }, port: 8080, protocol: "tcp" },
    { direction: "ingress", peer: { ip: OTHER, port: 4_000 }, port: 8080, protocol: "tcp" },
  ]);
});

function endpoint(text: string): Endpoint {
  const [ip = "", port] = text.split(" ");
  return { ip, port: Number(port) };
}

function verdict(request: DecidableRequest, view: NetworkView): string {
  const { answer, reason } = decide(request, view);
  return [textOf(answer), ...(reason === undefined ? [] : [reason])].join(" ");
}

function textOf(answer: NetworkAnswer): string {
  if ("refused" in answer) return answer.refused;
  if (!("endpoint" in answer)) return answer.addresses.join(" ");
  const { endpoint: { ip, port }, source } = answer;
  assert.ok(source === undefined || source.port === 0);
  return `${ip} ${port}${source === undefined ? "" : ` from ${source.ip}`}`;
}
