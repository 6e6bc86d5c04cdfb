import assert from "node:assert/strict";

const PROGRAM = `
  import { restartWithFlags } from ${JSON.stringify(import.meta.resolve("./restart.ts"))};
  restartWithFlags(["--stack-size=2000", "--experimental-wasm-compilation-hints"]);
  const { pid, args } = Deno;
  console.log(JSON.stringify({ pid, args, flags: Deno.env.get("DENO_V8_FLAGS") ?? null }));
`;

async function run(
  permissions: readonly string[],
): Promise<{ pid: number; said: { pid: number; args: string[]; flags: string | null } }> {
  const program = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(program, PROGRAM);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-lock", "--no-prompt", ...permissions, program, "an argument", "ä\n"],
      env: { DENO_V8_FLAGS: "--max-lazy" },
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const { stdout } = await child.output();
    return { pid: child.pid, said: JSON.parse(new TextDecoder().decode(stdout)) };
  } finally {
    await Deno.remove(program);
  }
}

Deno.test("restartWithFlags() begins anew once, as the same process with more flags", async () => {
  const { pid, said } = await run(["-A"]);
  const added = "--stack-size=2000,--experimental-wasm-compilation-hints";
  const flags = Deno.build.os === "linux" ? `--max-lazy,${added}` : "--max-lazy";
  assert.deepEqual(said, { pid, args: ["an argument", "ä\n"], flags });
});

Deno.test("restartWithFlags() goes on without leave to restart", async () => {
  const { said } = await run(["--allow-read", "--allow-env"]);
  assert.equal(said.flags, "--max-lazy");
});
