import assert from "node:assert/strict";
import { FakeObjects, podWith } from "./fake_objects.ts";
import { ServiceAccountTokens, tokenRenewAgeMs } from "./tokens.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

function setUp(): { objects: FakeObjects; tokens: ServiceAccountTokens; signal: AbortSignal } {
  const objects = new FakeObjects();
  const tokens = new ServiceAccountTokens(objects, { wallMs: () => objects.nowMs });
  return { objects, tokens, signal: new AbortController().signal };
}

Deno.test("ServiceAccountTokens.get() asks for a token bound to the pod", async () => {
  const { objects, tokens, signal } = setUp();
  assert.equal(await tokens.get(podWith(), {}, signal), "token-1");
  await tokens.get(podWith(), { audience: "vault", expirationSeconds: 600 }, signal);
  const boundObjectRef = { apiVersion: "v1", kind: "Pod", name: "web-0", uid: "7a1e-22" };
  assert.deepEqual(objects.asked, ["token shop/robot", "token shop/robot"]);
  assert.deepEqual(objects.tokenSpecs, [
    { expirationSeconds: 3_600, boundObjectRef },
    { expirationSeconds: 600, boundObjectRef, audiences: ["vault"] },
  ]);
});

Deno.test("ServiceAccountTokens.get() asks again after 80 % of a token's life", async () => {
  const { objects, tokens, signal } = setUp();
  const startMs = objects.nowMs;
  await tokens.get(podWith(), {}, signal);
  assert.equal(tokens.renewAtMs("7a1e-22"), startMs + 0.8 * HOUR);
  objects.nowMs = startMs + 0.8 * HOUR - 1;
  assert.equal(await tokens.get(podWith(), {}, signal), "token-1");
  objects.nowMs = startMs + 0.8 * HOUR;
  assert.equal(await tokens.get(podWith(), {}, signal), "token-2");
});

Deno.test("ServiceAccountTokens.get() keeps a token that is not dead when no new one can be had", async () => {
  const { objects, tokens, signal } = setUp();
  await tokens.get(podWith(), {}, signal);
  objects.failure = new Error("connection refused");
  objects.nowMs += HOUR - 1;
  assert.equal(await tokens.get(podWith(), {}, signal), "token-1");
  objects.nowMs += 1;
  await assert.rejects(tokens.get(podWith(), {}, signal), /connection refused/);
});

Deno.test("ServiceAccountTokens.forget() drops a pod's tokens", async () => {
  const { tokens, signal } = setUp();
  await tokens.get(podWith(), {}, signal);
  tokens.forget("7a1e-22");
  assert.equal(tokens.renewAtMs("7a1e-22"), undefined);
  assert.equal(await tokens.get(podWith(), {}, signal), "token-2");
});

Deno.test("tokenRenewAgeMs() is 80 % of the life, and never more than a day", () => {
  assert.equal(tokenRenewAgeMs(10 * HOUR), 8 * HOUR);
  assert.equal(tokenRenewAgeMs(100 * HOUR), 24 * HOUR);
  assert.equal(tokenRenewAgeMs(30 * HOUR), 24 * HOUR);
});

/** Tokens on a machine with two clocks, of which the server goes by a third. */
function withClocks(): {
  readonly objects: FakeObjects;
  readonly now: { wallMs: number; steadyMs: number };
  get(expirationSeconds?: number): Promise<string>;
} {
  const objects = new FakeObjects();
  const now = { wallMs: objects.nowMs, steadyMs: 0 };
  const tokens = new ServiceAccountTokens(objects, {
    wallMs: () => now.wallMs,
    steadyMs: () => now.steadyMs,
  });
  const signal = new AbortController().signal;
  return {
    objects,
    now,
    get: (expirationSeconds = 3_600) => tokens.get(podWith(), { expirationSeconds }, signal),
  };
}

Deno.test("ServiceAccountTokens.get() renews in time though the clock was set back", async () => {
  const { now, get } = withClocks();
  await get();
  now.wallMs -= HOUR;
  now.steadyMs += 0.8 * HOUR;
  assert.equal(await get(), "token-2");
  assert.equal(await get(), "token-2");
});

Deno.test("ServiceAccountTokens.get() asks once more when the clock was set forward, and no more", async () => {
  const { now, get } = withClocks();
  await get();
  now.wallMs += HOUR;
  assert.equal(await get(), "token-2");
  now.steadyMs += 400 * SECOND;
  now.wallMs += 400 * SECOND;
  assert.equal(await get(), "token-2");
});

Deno.test("ServiceAccountTokens.get() renews in time when the server grants less than was asked for", async () => {
  const { objects, now, get } = withClocks();
  objects.grantSecondsMax = 3_600;
  await get(100 * 3_600);
  now.wallMs += 0.8 * HOUR - 1;
  assert.equal(await get(100 * 3_600), "token-1");
  now.wallMs += 1;
  assert.equal(await get(100 * 3_600), "token-2");
});
