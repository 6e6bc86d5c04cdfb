import assert from "node:assert/strict";
import { HAS_SHELL, Programs } from "./_programs.ts";
import { ANSWER_BYTES_MAX } from "./limits.ts";
import { ask, NoAnswer } from "./program.ts";

const { signal } = new AbortController();
const ignore = !HAS_SHELL;

Deno.test({
  name: "ask() gives the question, and gets code, answer and words",
  ignore,
  async fn(): Promise<void> {
    await using programs = new Programs();
    await programs.write("p", 'printf "%s-%s" "$input" "$WORD"; echo "no  luck" >&2; exit 3');
    const answer = await ask({ program: "p", stdin: "hello", env: { WORD: "there" }, signal });
    assert.deepEqual(answer, { code: 3, stdout: "hello-there", words: "no  luck" });
  },
});

Deno.test({
  name: "ask() kills a program that takes too long, and one whose child holds its streams",
  ignore,
  async fn(): Promise<void> {
    await using programs = new Programs();
    await programs.write("slow", "exec sleep 60");
    await programs.write("parent", "sleep 60 & echo $! > $0.pid; wait");
    for (const program of ["slow", "parent"]) {
      const asking = ask({ program, stdin: "", signal, msMax: 300 });
      await assert.rejects(asking, { name: "NoAnswer", message: "it gave no answer within 0.3 s" });
    }
    Deno.kill(Number(await Deno.readTextFile(`${programs.dir}/parent.pid`)), "SIGKILL");
  },
});

Deno.test({
  name: "ask() stops when it is told to",
  ignore,
  async fn(): Promise<void> {
    await using programs = new Programs();
    await programs.write("slow", "exec sleep 60");
    const stop = new AbortController();
    const asking = ask({ program: "slow", stdin: "", signal: stop.signal });
    stop.abort(new Error("enough"));
    await assert.rejects(asking, { message: "enough" });
  },
});

Deno.test({
  name: "ask() ends a program that says too much, and takes one that does not listen",
  ignore,
  async fn(): Promise<void> {
    await using programs = new Programs();
    await programs.write("loud", "yes");
    await assert.rejects(ask({ program: "loud", stdin: "", signal }), (error) => {
      return error instanceof NoAnswer && error.message.includes(`${ANSWER_BYTES_MAX} bytes`);
    });
    await Deno.writeTextFile(`${programs.dir}/deaf`, "#!/bin/sh\nexec <&-\necho fine\n", {
      mode: 0o700,
    });
    const { stdout } = await ask({ program: "deaf", stdin: "x".repeat(1 << 20), signal });
    assert.equal(stdout, "fine\n");
  },
});

Deno.test("ask() says that there is no such program", async () => {
  const asking = ask({ program: "/nowhere/at-all", stdin: "", signal });
  await assert.rejects(asking, { name: "NoAnswer", message: "there is no such program" });
});
