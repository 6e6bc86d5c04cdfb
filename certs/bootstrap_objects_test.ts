import assert from "node:assert/strict";
import { newBootstrapObjects } from "./bootstrap_objects.ts";
import { ensureBootstrapRbac } from "./bootstrap_rbac.ts";
import { createBootstrapToken, type KubernetesObject } from "./bootstrap_token.ts";
import { ensureNetworkRbac } from "./network_rbac.ts";

/** The token is another one each time. */
function withoutToken(object: KubernetesObject, id: string, secret: string): unknown {
  return JSON.parse(JSON.stringify(object).replaceAll(id, "ID").replaceAll(secret, "SECRET"));
}

Deno.test("newBootstrapObjects() gives the objects that are made in an empty cluster", async () => {
  const life = { ttlMs: 90_000, nowMs: 1_900_000_000_000 };
  const stored: KubernetesObject[] = [];
  const cluster = {
    create(object: KubernetesObject): Promise<void> {
      stored.push(object);
      return Promise.resolve();
    },
    get: () => Promise.resolve(undefined),
  };
  const { token: other } = await createBootstrapToken(cluster, life);
  await ensureBootstrapRbac(cluster);
  await ensureNetworkRbac(cluster);
  const { token, objects } = newBootstrapObjects(life);
  assert.notEqual(token.secret, other.secret);
  assert.deepEqual(
    objects.map((object) => withoutToken(object, token.id, token.secret)),
    stored.map((object) => withoutToken(object, other.id, other.secret)),
  );
  assert.equal(objects.length, 6);
});

Deno.test("newBootstrapObjects() refuses a life that no token can have", () => {
  for (const ttlMs of [0, 999, -1, NaN, Infinity]) {
    assert.throws(() => newBootstrapObjects({ ttlMs }), {
      code: "invalid",
      message: /a token lives/,
    });
  }
});
