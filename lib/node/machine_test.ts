import assert from "node:assert/strict";
import { availableBytes, readMachineFacts, readPids } from "./machine.ts";

Deno.test("readMachineFacts() knows this machine", async () => {
  const facts = await readMachineFacts(".");
  assert.ok(facts.cpuMillis > 0 && Number.isInteger(facts.cpuMillis));
  assert.ok(facts.memoryBytes > 1024 * 1024);
  assert.ok(facts.diskBytes > 1024 * 1024);
  assert.notEqual(facts.osImage, "");
  assert.notEqual(facts.kernelVersion, "");
});

Deno.test({
  name: "readPids() leaves room for this program",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    const { running = 0, max = 0 } = await readPids() ?? {};
    assert.ok(running > 0 && running < max, `${running} of ${max}`);
  },
});

Deno.test("availableBytes() of a Windows machine is what its runtime calls free", () => {
  assert.equal(availableBytes({ available: 0, free: 21 }), 21);
  assert.equal(availableBytes({ available: 20, free: 5 }), 20);
});
