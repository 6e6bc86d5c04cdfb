import assert from "node:assert/strict";
import { LOG_OPTIONS, logSettings } from "./log_options.ts";

const { kind } = LOG_OPTIONS.containerLogMaxBytes;

Deno.test("--container-log-max-size is a quantity, and is printed as one", () => {
  for (
    const [text, bytes, printed] of [
      ["10Mi", 10_485_760, "10Mi"],
      ["40Ki", 40_960, "40Ki"],
      ["1M", 1_000_000, "1000000"],
      ["0.5Gi", 536_870_912, "512Mi"],
    ] as const
  ) {
    assert.equal(kind.fromText(text), bytes);
    assert.equal(kind.toText(bytes), printed);
  }
});

for (const text of ["", "-1", "31Ki", "2Ti", "much"]) {
  Deno.test(`--container-log-max-size refuses "${text}"`, () => {
    assert.throws(() => kind.fromText(text), RangeError);
  });
}

Deno.test("--container-log-max-files keeps two at least", () => {
  assert.throws(() => LOG_OPTIONS.containerLogMaxFiles.kind.fromText("1"), RangeError);
  assert.deepEqual(logSettings({ containerLogMaxBytes: 40_960, containerLogMaxFiles: 2 }), {
    containerLogs: { bytesMax: 40_960, filesMax: 2 },
  });
});
