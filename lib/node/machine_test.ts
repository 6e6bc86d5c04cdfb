import assert from "node:assert/strict";
import { readMachineFacts, readMachineUsage } from "./machine.ts";

Deno.test("readMachineFacts() knows this machine", async () => {
  const facts = await readMachineFacts(".");
  assert.ok(facts.cpuMillis > 0 && Number.isInteger(facts.cpuMillis));
  assert.ok(facts.memoryBytes > 1024 * 1024);
  assert.ok(facts.diskBytes > 1024 * 1024);
  assert.notEqual(facts.osImage, "");
  assert.notEqual(facts.kernelVersion, "");
});

Deno.test("readMachineUsage() never leaves more than there is", async () => {
  const facts = await readMachineFacts(".");
  const usage = await readMachineUsage(".");
  assert.ok(usage.memoryAvailableBytes > 0);
  assert.ok(usage.memoryAvailableBytes <= facts.memoryBytes);
  assert.ok(usage.diskAvailableBytes <= usage.diskBytes);
  assert.equal(usage.diskBytes, facts.diskBytes);
  if (Deno.build.os === "linux") assert.ok(usage.pids! > 0 && usage.pids! < usage.pidsMax!);
});

Deno.test("readMachineUsage() needs the data directory", async () => {
  await assert.rejects(readMachineUsage("/no/such/folder"), { code: "ENOENT" });
});
