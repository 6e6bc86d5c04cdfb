import assert from "node:assert/strict";
import { readMachineFacts, readPids } from "./machine.ts";

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
