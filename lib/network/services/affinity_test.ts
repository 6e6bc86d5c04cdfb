import assert from "node:assert/strict";
import { Affinities, AFFINITIES_MAX } from "./affinity.ts";

const endpoint = { ip: "10.1.0.1", port: 80 };

Deno.test("Affinities forgets what is over, and who came least recently when there are too many", () => {
  const affinities = new Affinities({ max: 2 });
  affinities.keep("a", { endpoint, untilMs: 10 });
  assert.deepEqual(affinities.last("a", 9), endpoint);
  assert.equal(affinities.last("a", 10), undefined);
  assert.equal(affinities.size, 0);
  for (const client of ["a", "b", "a", "c"]) affinities.keep(client, { endpoint, untilMs: 10 });
  assert.equal(affinities.size, 2);
  assert.equal(affinities.last("b", 0), undefined);
  assert.deepEqual(affinities.last("a", 0), endpoint);
});

Deno.test("Affinities stays small whoever comes", () => {
  const affinities = new Affinities();
  for (let client = 0; client < 2 * AFFINITIES_MAX; client++) {
    affinities.keep(`10.1.0.${client}`, { endpoint, untilMs: 10 });
  }
  assert.equal(affinities.size, AFFINITIES_MAX);
});
