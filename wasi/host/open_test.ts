import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import wabt from "wabt";
import { openHost } from "./open.ts";
import { libcPaths } from "./libc/paths.ts";

const tools = await wabt();
const MOD = new URL("../mod.ts", import.meta.url).href;

/** Runs a script with these permissions and answers what it printed. */
async function run(script: string, permissions: readonly string[]): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...permissions, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("openHost() opens each kind once", async () => {
  const host = await openHost("portable");
  assert.equal(await openHost("portable"), host);
  assert.equal(host.kind, "portable");
});

Deno.test("openHost() takes the portable host where libc may not be opened", async () => {
  const script = `import { existsSync } from "node:fs";
import wabt from "wabt";
import { openHost } from "${MOD}"; console.log((await openHost()).kind);`;
  assert.equal(await run(script, ["--allow-read"]), "portable\n");
});

/** The first libc that exists; undefined where there is none, and nothing to test. */
const libc = Deno.build.os !== "linux" ? undefined : libcPaths().find((path) => {
  return path.startsWith("/") && existsSync(path);
});

/** `path_create_directory(3, "made")`, then `proc_exit` with its errno. */
const GUEST = `(module
  (import "wasi_snapshot_preview1" "path_create_directory"
    (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (data (i32.const 0) "made")
  (func (export "_start")
    (call $exit (call $mkdir (i32.const 3) (i32.const 0) (i32.const 4)))))`;

Deno.test({
  name: "a process with nothing but libc runs guests, after it gave up ffi",
  ignore: libc === undefined,
  async fn(): Promise<void> {
    const box = await Deno.makeTempDir();
    const module = tools.parseWat("test.wat", GUEST);
    const bytes = module.toBinary({}).buffer;
    module.destroy();
    const script = `
      import { compile, openHost, prepare } from "${MOD}";
      const host = await openHost(undefined, { revokeFfi: true });
      let closed = false;
      try { Deno.dlopen("${libc}", {}); } catch { closed = true; }
      const preopens = [{ hostPath: "${box}", guestPath: "/" }];
      const module = compile(Uint8Array.fromBase64("${bytes.toBase64()}"));
      const { code } = await (await prepare(module, { preopens })).run();
      console.log(host.kind, closed, code);`;
    assert.equal(await run(script, [`--allow-ffi=${libc}`]), "libc true 0\n");
    assert.ok((await Deno.stat(`${box}/made`)).isDirectory);
    await Deno.remove(box, { recursive: true });
  },
});
