import assert from "node:assert/strict";
import { logLines } from "./log_lines.ts";

Deno.test("logLines() tells each record's stream, and joins no parts", async () => {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-log-" });
  try {
    const time = "2026-11-21T12:00:00.000000001Z";
    const log =
      `${time} stdout F hello\n${time} stderr P par\n${time} stderr F t\nbad\n${time} stdout F \n`;
    await Deno.writeTextFile(`${dir}/0.log`, log);
    const seen: string[] = [];
    for await (const { stream, text } of logLines({ dir, attempt: 0 })) {
      seen.push(`${stream}:${new TextDecoder().decode(text)}`);
    }
    assert.deepEqual(seen, ["stdout:hello\n", "stderr:par", "stderr:t\n", "stdout:\n"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("logLines() passes over a record that is longer than any can be, and holds nothing of it", async () => {
  const dir = await Deno.makeTempDir({ prefix: "krustlet-log-" });
  try {
    const time = "2026-11-21T12:00:00.000000001Z";
    const endless = `${time} stdout F ${"x".repeat(1_000_000)}`;
    await Deno.writeTextFile(`${dir}/0.log`, `${endless}\n${time} stdout F hello\n${endless}`);
    const seen: number[] = [];
    for await (const { text } of logLines({ dir, attempt: 0 })) seen.push(text.length);
    assert.deepEqual(seen, ["hello\n".length]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
