import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** Runs these lines in a program of its own that has set up its log. */
async function program(lines: string, colour = false): Promise<{ code: number; log: string }> {
  const url = (name: string): string => JSON.stringify(import.meta.resolve(name));
  const source = `
    import { getLogger } from ${url("@logtape/logtape")};
    import { configureLogging, surviveRejections } from ${url("./logging.ts")};
    await configureLogging({ level: "info", format: "pretty", colour: ${colour} });
    const log = getLogger(["krustlet"]);
    ${lines}`;
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--config", fileURLToPath(import.meta.resolve("../deno.json")), source],
    stderr: "piped",
  }).output();
  return { code, log: new TextDecoder().decode(stderr) };
}

Deno.test("configureLogging() lets no value forge a line or move the cursor", async () => {
  const name = JSON.stringify("a\nb\r\nc\rd\x1b[2Ke\x9bf\tg é");
  for (const colour of [false, true]) {
    const { log } = await program(`log.info("Pod {name} is here", { name: ${name} });`, colour);
    const said = log.slice(log.indexOf("Pod"));
    assert.equal(said, "Pod a\n  b\n  c\\x0dd\\x1b[2Ke\\x9bf\tg é is here\n");
  }
});

Deno.test("configureLogging() keeps a stack readable, below the line that it belongs to", async () => {
  const { log } = await program(`log.error("Broken: {error}", { error: new Error("one\\ntwo") });`);
  assert.match(log, /Broken: Error: one\n {2}two\n {6}at .+\n$/);
});

Deno.test("surviveRejections() logs what nobody looked after, and the program goes on", async () => {
  const { code, log } = await program(`
    surviveRejections();
    void Promise.reject(new Error("overlooked"));
    await new Promise((resolve) => setTimeout(resolve));
    log.info("alive");`);
  assert.equal(code, 0, log);
  assert.match(log, /\[ERR\].*A defect of the agent, which goes on: Error: overlooked\n {6}at /);
  assert.match(log, /alive/);
});
