import assert from "node:assert/strict";
import { type Exit, termination } from "./exit.ts";

const CASES: [exit: Exit, exitCode: number, reason: string, message: string][] = [
  [{ kind: "exited", code: 0 }, 0, "Completed", ""],
  [{ kind: "exited", code: 3 }, 3, "Error", ""],
  [{ kind: "exited", code: 255 }, 255, "Error", ""],
  // A process hands on eight bits, and a failure stays one.
  [{ kind: "exited", code: 256 }, 1, "Error", ""],
  [{ kind: "exited", code: 0xffff_ffff }, 255, "Error", ""],
  [{ kind: "exited", code: -1 }, 255, "Error", ""],
  [{ kind: "trapped", message: "unreachable" }, 134, "Error", "unreachable"],
  [{ kind: "killed" }, 137, "Error", ""],
  [{ kind: "out_of_memory", message: "64Mi" }, 137, "OOMKilled", "64Mi"],
  [{ kind: "start_error", message: "no module" }, 128, "StartError", "no module"],
  [{ kind: "crashed", message: "gone" }, 134, "Error", "gone"],
];

for (const [exit, exitCode, reason, message] of CASES) {
  const { message: _, ...what } = { message: "", ...exit };
  Deno.test(`termination() of ${JSON.stringify(what)} is ${exitCode} ${reason}`, () => {
    assert.deepEqual(termination(exit), { exitCode, reason, message });
  });
}

Deno.test("termination() names a signal only if one ended the host process", () => {
  const crashed = termination({ kind: "crashed", message: "gone", signal: 11 });
  assert.deepEqual(crashed, { exitCode: 139, reason: "Error", message: "gone", signal: 11 });
});

Deno.test("termination() of a run that nobody saw ending is the kubelet's own word for it", () => {
  const { exitCode, reason, message } = termination({ kind: "lost" });
  assert.deepEqual([exitCode, reason], [137, "ContainerStatusUnknown"]);
  assert.notEqual(message, "");
});
