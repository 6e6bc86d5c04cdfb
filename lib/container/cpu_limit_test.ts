import assert from "node:assert/strict";
import type { Container, Pod } from "../api/types.ts";
import type { Provider } from "../provider.ts";
import { runOf } from "./_session.ts";
import { cpuLimitMillis, followCpuLimit } from "./cpu_limit.ts";

const LIMITED = { name: "app", resources: { limits: { cpu: "250m" } } };

/** What the backend hears of a container that was begun with one limit, and has this one by its first instruction. */
async function heard(begunMillis: number | undefined, spec: Container): Promise<unknown[]> {
  const calls: unknown[] = [];
  const over = new AbortController();
  const provider = {
    limitCpu: (_id: string, millis: number | undefined): boolean => {
      calls.push(millis);
      return true;
    },
  } as Partial<Provider> as Provider;
  await followCpuLimit({
    run: runOf({ limits: begunMillis === undefined ? {} : { cpuMillis: begunMillis } }),
    provider,
    spec: () => spec,
    pod: (): Pod => ({}),
    podChanged: () => Promise.resolve(over.abort()),
    unkept: () => calls.push("unkept"),
  }, over.signal);
  return calls;
}

Deno.test("followCpuLimit() begins with what the container is to have by then", async () => {
  assert.deepEqual(await heard(250, LIMITED), [250], "it hears whether that is kept");
  assert.deepEqual(await heard(undefined, LIMITED), [250]);
  assert.deepEqual(await heard(250, { name: "app" }), [undefined]);
  assert.deepEqual(await heard(undefined, { name: "app" }), []);
});

Deno.test("cpuLimitMillis() takes 0 for no limit, and the pod's where the container has none", () => {
  const pod = { spec: { containers: [], resources: { limits: { cpu: "2" } } } } as Pod;
  assert.equal(cpuLimitMillis(LIMITED, pod), 250);
  assert.equal(cpuLimitMillis({ name: "app" }, pod), 2_000);
  const none = { name: "app", resources: { limits: { cpu: "0" } } };
  assert.equal(cpuLimitMillis(none, pod), undefined);
});
