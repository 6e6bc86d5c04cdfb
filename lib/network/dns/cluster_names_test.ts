import assert from "node:assert/strict";
import { service, slice, tableOf } from "../services/_cluster.ts";
import { cluster, DOMAIN } from "./_world.ts";
import { askCluster, RECORDS_MAX } from "./cluster_names.ts";
import { RECORD_TYPE } from "./message.ts";
import { formatName, parseName } from "./name.ts";
import type { OwnRecord } from "./write_message.ts";

type Type = keyof typeof RECORD_TYPE;

function text(record: OwnRecord): string {
  switch (record.type) {
    case "A":
    case "AAAA":
      return record.ip;
    case "SRV":
      return `${record.weight} ${record.port} ${formatName(record.target)}`;
    case "TXT":
      return record.text;
    case "SOA":
      return `SOA ${formatName(record.name)}`;
    default:
      return formatName(record.target);
  }
}

function ask(type: Type, name: string, table = cluster()): string[] | string {
  const question = { name: parseName(name)!, type: RECORD_TYPE[type] };
  const answer = askCluster(question, { table, domain: DOMAIN });
  if (answer.kind !== "found") return answer.kind;
  for (const record of answer.answers) assert.equal(formatName(record.name), name);
  return answer.answers.map(text).sort();
}

const DB = "db.shop.svc.cluster.local";
const WEB = "web.shop.svc.cluster.local";

const ROWS: readonly [Type, string, string[] | "none" | "outside"][] = [
  ["A", WEB, ["10.0.0.7"]],
  ["AAAA", WEB, ["fd00:1::7"]],
  ["TXT", WEB, []],
  ["SRV", WEB, [`100 53 ${WEB}`, `100 80 ${WEB}`]],
  ["SRV", `_http._tcp.${WEB}`, [`100 80 ${WEB}`]],
  ["A", `_http._tcp.${WEB}`, ["10.0.0.7"]],
  ["SRV", `_dns._udp.${WEB}`, [`100 53 ${WEB}`]],
  ["SRV", `_dns._tcp.${WEB}`, "none"],
  ["SRV", `_x._y.z.${WEB}`, "none"],
  ["A", "nobody.shop.svc.cluster.local", "none"],
  ["A", "web.nowhere.svc.cluster.local", "none"],
  ["A", "shop.svc.cluster.local", []],
  ["A", "nowhere.svc.cluster.local", "none"],
  ["A", "svc.cluster.local", []],
  ["A", "cluster.local", []],
  ["SOA", "cluster.local", ["SOA cluster.local"]],
  ["TXT", "dns-version.cluster.local", ["1.1.0"]],
  ["A", "else.cluster.local", "none"],
  ["A", DB, ["10.1.0.1", "10.1.0.2", "10.1.0.3"]],
  ["AAAA", DB, ["fd00::1"]],
  ["A", `db-0.${DB}`, ["10.1.0.1"]],
  ["AAAA", `db-0.${DB}`, ["fd00::1"]],
  ["AAAA", `db-1.${DB}`, []],
  ["A", `10-1-0-3.${DB}`, ["10.1.0.3"]],
  ["A", `10-1-0-1.${DB}`, "none"],
  ["A", `db-9.${DB}`, "none"],
  ["SRV", `_sql._tcp.${DB}`, [
    `33 5432 10-1-0-3.${DB}`,
    `33 5432 db-0.${DB}`,
    `33 5432 db-1.${DB}`,
  ]],
  ["SRV", `_web._tcp.${DB}`, "none"],
  ["A", "empty.shop.svc.cluster.local", []],
  ["A", "early.shop.svc.cluster.local", ["10.1.0.5"]],
  ["CNAME", "site.shop.svc.cluster.local", ["www.example.com"]],
  ["A", "site.shop.svc.cluster.local", ["www.example.com"]],
  ["A", "x.site.shop.svc.cluster.local", "none"],
  ["A", "10-1-0-9.shop.pod.cluster.local", ["10.1.0.9"]],
  ["AAAA", "fd00--9.shop.pod.cluster.local", ["fd00::9"]],
  ["A", "fd00--9.shop.pod.cluster.local", []],
  ["A", "10-1-0-999.shop.pod.cluster.local", "none"],
  ["A", "x.10-1-0-9.shop.pod.cluster.local", "none"],
  ["A", "pod.cluster.local", []],
  ["PTR", "7.0.0.10.in-addr.arpa", [WEB]],
  ["PTR", "1.0.1.10.in-addr.arpa", [`db-0.${DB}`]],
  ["PTR", "3.0.1.10.in-addr.arpa", [`10-1-0-3.${DB}`]],
  ["PTR", "9.9.9.10.in-addr.arpa", "outside"],
  ["PTR", "0.0.10.in-addr.arpa", "outside"],
  ["PTR", "x.0.0.10.in-addr.arpa", "outside"],
  ["PTR", "7.0.0.ip6.arpa", "outside"],
  [
    "PTR",
    `${[..."fd000001000000000000000000000007"].reverse().join(".")}.ip6.arpa`,
    [WEB],
  ],
  ["A", "web.shop.svc.cluster.locale", "outside"],
  ["A", "local", "outside"],
  ["A", "www.example.com", "outside"],
];

for (const [type, name, wanted] of ROWS) {
  Deno.test(`askCluster(): ${type} ${name}`, () => {
    assert.deepEqual(ask(type, name), Array.isArray(wanted) ? wanted.toSorted() : wanted);
  });
}

Deno.test("askCluster() adds the addresses of the places that it names", () => {
  const question = { name: parseName(`_sql._tcp.${DB}`)!, type: RECORD_TYPE.SRV };
  const answer = askCluster(question, { table: cluster(), domain: DOMAIN });
  assert.ok(answer.kind === "found");
  const added = answer.additionals.map((one) => `${formatName(one.name)} ${text(one)}`);
  assert.ok(added.includes(`db-0.${DB} 10.1.0.1`) && added.includes(`db-0.${DB} fd00::1`));
});

Deno.test("askCluster() names an address once, and only endpoints that serve a port", () => {
  const table = cluster();
  table.applySlice(slice("db", [{ addresses: ["10.1.0.1"], hostname: "db-0" }], {
    name: "db-again",
    headless: true,
    ports: [{ name: "web", port: 80 }],
  }));
  assert.deepEqual(ask("A", DB, table), ["10.1.0.1", "10.1.0.2", "10.1.0.3"]);
  table.applyService(service("db", { clusterIP: "None", ports: [{ name: "web", port: 80 }] }));
  assert.deepEqual(ask("SRV", `_web._tcp.${DB}`, table), [`100 80 db-0.${DB}`]);
});

Deno.test("askCluster() answers no more than a message holds, however many endpoints and ports there are", () => {
  const ports = Array.from({ length: 200 }, (_, at) => ({ name: `p${at}`, port: 1 + at }));
  const slices = Array.from({ length: 100 }, (_, s) => {
    const endpoints = Array.from({ length: 1_000 }, (_, e) => ({
      addresses: [`10.${s}.${e >> 8}.${e & 255}`],
      hostname: s === 3 && e === 7 ? "found" : `h${s}-${e}`,
    }));
    // All of them have one address more, and say so a thousand times.
    const same = endpoints.map(() => ({ addresses: ["10.255.0.1"] }));
    return [
      slice("big", endpoints, { name: `big-${s}`, headless: true, ports }),
      slice("same", same, { name: `same-${s}`, headless: true }),
    ];
  }).flat();
  const table = tableOf([service("big", { clusterIP: "None", ports })], slices);
  const big = "big.shop.svc.cluster.local";
  assert.equal(ask("A", big, table).length, RECORDS_MAX);
  assert.equal(ask("SRV", big, table).length, RECORDS_MAX);
  assert.equal(ask("PTR", "1.0.255.10.in-addr.arpa", table).length, RECORDS_MAX);
  assert.deepEqual(ask("A", `found.${big}`, table), ["10.3.0.7"]);
});
