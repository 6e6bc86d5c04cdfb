import assert from "node:assert/strict";
import { KubeletError } from "../errors.ts";
import { parseDoctorArguments } from "./doctor_options.ts";

const env = { HOME: "/home/ada" };

Deno.test("parseDoctorArguments() reads the agent's options and its own", async () => {
  const args = ["--node-ip", "10.1.1.1", "--node-name", "w", "--port", "3001", "-o", "json"];
  const { config, json } = await parseDoctorArguments({ args, env });
  assert.equal(json, true);
  assert.deepEqual([config.nodeName, config.nodeIp, config.listenerPort], ["w", "10.1.1.1", 3001]);
  const other = await parseDoctorArguments({ args: ["--node-ip", "10.1.1.1"], env });
  assert.equal(other.json, false);
});

Deno.test("parseDoctorArguments() refuses what it does not know", async () => {
  for (const args of [["-o", "yaml"], ["--nonsense"], ["word"]]) {
    await assert.rejects(parseDoctorArguments({ args, env }), KubeletError);
  }
});
