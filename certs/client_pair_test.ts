import assert from "node:assert/strict";
import { TestCa } from "./_test_ca.ts";
import type { KeyPair } from "./certificate.ts";
import { chooseClientPair } from "./client_pair.ts";
import { nodeSubject, type Subject } from "./csr.ts";
import { generateKey } from "./keys.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 0, 1);
const ca = await TestCa.start();

async function pair(hours: number, subject: Subject = nodeSubject("w")): Promise<KeyPair> {
  const key = await generateKey();
  const certificatePem = await ca.issue(key.publicKeySpki, {
    subject,
    notBeforeMs: NOW_MS - 10 * HOUR_MS,
    notAfterMs: NOW_MS + hours * HOUR_MS,
  });
  return { certificatePem, keyPem: key.pem };
}

const short = await pair(1);
const long = await pair(2);
const over = await pair(-1);
const longOver = await pair(-2);

Deno.test("chooseClientPair() takes the later of the node's own pairs", () => {
  const wanted = { use: "pair", pair: long, ours: true };
  const choose = (kubeconfig: KeyPair, stored: KeyPair): unknown =>
    chooseClientPair({ kubeconfig, stored, nodeName: "w" }, NOW_MS);
  assert.deepEqual(choose(short, long), wanted);
  assert.deepEqual(choose(long, short), wanted);
  assert.deepEqual(choose(over, long), wanted);
  assert.deepEqual(choose(long, long), wanted);
});

Deno.test("chooseClientPair() says that all have ended, and when the last one did", () => {
  const choice = chooseClientPair({ kubeconfig: longOver, stored: over, nodeName: "w" }, NOW_MS);
  assert.deepEqual(choice, { use: "none", expiredMs: NOW_MS - HOUR_MS + 1_000, ours: true });
});

Deno.test("chooseClientPair() leaves a person's certificate and a token as they are", async () => {
  const admin = await pair(1, { commonName: "admin", organizations: ["system:masters"] });
  assert.deepEqual(
    chooseClientPair({ kubeconfig: admin, stored: long, nodeName: "w" }, NOW_MS),
    { use: "pair", pair: admin, ours: false },
  );
  assert.deepEqual(chooseClientPair({ stored: long, nodeName: "w" }, NOW_MS), {
    use: "kubeconfig",
  });
  const ended = await pair(-1, { commonName: "admin", organizations: [] });
  const choice = chooseClientPair({ kubeconfig: ended, stored: long, nodeName: "w" }, NOW_MS);
  assert.ok(choice.use === "none" && !choice.ours);
});

Deno.test("chooseClientPair() never takes another node's pair from the store", async () => {
  const others = await pair(9, nodeSubject("v"));
  assert.deepEqual(
    chooseClientPair({ kubeconfig: short, stored: others, nodeName: "w" }, NOW_MS),
    { use: "pair", pair: short, ours: true },
  );
});
