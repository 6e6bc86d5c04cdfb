import assert from "node:assert/strict";
import { ERROR_CHARS_MAX } from "./limits.ts";
import { statusText } from "./status.ts";

Deno.test("statusText() tells an exit code as a kubelet does, from the fourth version on", () => {
  for (const version of [4, 5]) {
    assert.deepEqual(JSON.parse(statusText({ kind: "exited", code: 42 }, version)), {
      metadata: {},
      status: "Failure",
      message: "command terminated with non-zero exit code: 42",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "42" }] },
    });
    assert.deepEqual(JSON.parse(statusText({ kind: "exited", code: 0 }, version)), {
      metadata: {},
      status: "Success",
    });
    assert.deepEqual(JSON.parse(statusText({ kind: "failed", message: "no such file" }, version)), {
      metadata: {},
      status: "Failure",
      message: "Internal error occurred: no such file",
      reason: "InternalError",
      code: 500,
    });
  }
});

Deno.test("statusText() has words only of a failure before the fourth version", () => {
  for (const version of [1, 2, 3]) {
    assert.equal(statusText({ kind: "exited", code: 0 }, version), "");
    assert.equal(
      statusText({ kind: "exited", code: 1 }, version),
      "command terminated with non-zero exit code: 1",
    );
    assert.equal(
      statusText({ kind: "failed", message: "x" }, version),
      "Internal error occurred: x",
    );
  }
});

Deno.test("statusText() cuts a long message", () => {
  const message = "x".repeat(2 * ERROR_CHARS_MAX);
  assert.equal(statusText({ kind: "failed", message }, 1).length, ERROR_CHARS_MAX);
});
