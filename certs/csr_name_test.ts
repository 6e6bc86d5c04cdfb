import assert from "node:assert/strict";
import { nodeSubject } from "./csr.ts";
import { csrName, type CsrNameOptions } from "./csr_name.ts";
import { REQUEST_KINDS } from "./csr_request.ts";

const SERVING: CsrNameOptions = {
  kind: "serving",
  nodeName: "worker-1",
  publicKeySpki: Uint8Array.of(1, 2, 3),
  subject: nodeSubject("worker-1"),
  ...REQUEST_KINDS.serving,
  dnsNames: ["worker-1"],
  ipAddresses: ["10.0.0.7"],
};
const CLIENT: CsrNameOptions = { ...SERVING, kind: "client", ...REQUEST_KINDS.client };

Deno.test("csrName() is the same for the same content, on every machine and version", async () => {
  assert.equal(await csrName(SERVING), "worker-1-tls-c820eae0bd");
  assert.match(await csrName(CLIENT), /^node-csr-[0-9a-f]{64}$/);
  assert.equal(await csrName(CLIENT), await csrName({ ...CLIENT }));
});

Deno.test("csrName() differs for anything that a certificate would differ in", async () => {
  const changes: Partial<CsrNameOptions>[] = [
    { publicKeySpki: Uint8Array.of(1, 2, 4) },
    { subject: nodeSubject("worker-2") },
    { subject: { ...nodeSubject("worker-1"), organizations: ["system", "nodes"] } },
    { signerName: "example.com/signer" },
    { usages: ["digital signature"] },
    { dnsNames: ["worker-1", "10.0.0.7"], ipAddresses: [] },
    { dnsNames: [], ipAddresses: ["10.0.0.7"] },
    { attempt: 2 },
  ];
  for (const base of [SERVING, CLIENT]) {
    const names = await Promise.all(changes.map((change) => csrName({ ...base, ...change })));
    const all = new Set([await csrName(base), ...names]);
    assert.equal(all.size, changes.length + 1);
  }
});

Deno.test("csrName() adds the attempt at the end", async () => {
  assert.equal(await csrName({ ...SERVING, attempt: 2 }), `${await csrName(SERVING)}-2`);
});

Deno.test("csrName() fits an object's name and a shell, whatever the node is called", async () => {
  for (const nodeName of ["UPPER.local", "x".repeat(300), "a b;rm/../$(c)"]) {
    assert.match(await csrName({ ...SERVING, nodeName, attempt: 5 }), /^[-.a-z0-9]{1,253}$/);
  }
});
