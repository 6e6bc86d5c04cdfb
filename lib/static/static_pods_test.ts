import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { type PodHost, StaticPods } from "./static_pods.ts";

const pod = (name: string, uid: string): Pod => ({
  metadata: { name, namespace: "default", uid },
  spec: { containers: [] },
});

/** Notes what it is told; pods that retire do so when the test lets them. */
class Host implements PodHost {
  readonly told: string[] = [];
  readonly retiring = new Map<string, () => void>();

  applyOwn({ metadata }: Pod): void {
    this.told.push(`start ${metadata?.uid}`);
  }

  retire({ metadata }: Pod): Promise<void> {
    this.told.push(`retire ${metadata?.uid}`);
    return new Promise((resolve) => this.retiring.set(metadata?.uid ?? "", resolve));
  }

  /** Lets a pod be gone, and everybody hear of it. */
  async gone(uid: string): Promise<void> {
    this.retiring.get(uid)?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("StaticPods starts a changed pod when the one before it is gone", async () => {
  const host = new Host();
  const pods = new StaticPods(host);
  pods.set([pod("a", "a1"), pod("b", "b1")]);
  pods.set([pod("a", "a1"), pod("b", "b1")]);
  assert.deepEqual(host.told, ["start a1", "start b1"]);
  pods.set([pod("a", "a2"), pod("b", "b1")]);
  pods.set([pod("a", "a3"), pod("b", "b1")]);
  assert.deepEqual(host.told.slice(2), ["retire a1"]);
  await host.gone("a1");
  assert.deepEqual(host.told.slice(3), ["start a3"]);
});

Deno.test("StaticPods lets a pod come again that has gone, also the very same", async () => {
  const host = new Host();
  const pods = new StaticPods(host);
  pods.set([pod("a", "a1")]);
  pods.set([]);
  pods.set([pod("a", "a1")]);
  await host.gone("a1");
  assert.deepEqual(host.told, ["start a1", "retire a1", "start a1"]);
  pods.set([]);
  await host.gone("a1");
  assert.deepEqual(host.told.slice(3), ["retire a1"]);
  assert.equal(pods.wanted.size, 0);
});
