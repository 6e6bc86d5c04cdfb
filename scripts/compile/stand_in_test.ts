import assert from "node:assert/strict";
import { Bench, type Run } from "../bench_wasi/provider_bench.ts";
import { assemble, DEEP, EXITS, type SmokeGuest, THREADS } from "../release/smoke_guests.ts";
import { compileArguments, type TargetName } from "./settings.ts";
import { makeStandIn, runArguments } from "./stand_in.ts";

/** One for all tests. */
let made: Promise<{ folder: string; command: string }> | undefined;
Deno.test.afterAll(async () => {
  if (made !== undefined) await Deno.remove((await made).folder, { recursive: true });
});

function standIn(): Promise<{ folder: string; command: string }> {
  return made ??= (async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "krustlet-stand-in-" }));
    const os = Deno.build.os === "darwin" ? "darwin" : "linux";
    return { folder, command: await makeStandIn(folder, `${os}-amd64` satisfies TargetName) };
  })();
}

/** Runs a guest in processes of the stand-in, and answers how it ended. */
async function run(
  guest: SmokeGuest,
  { host, ...changes }: Partial<Run> & { readonly host?: "portable" } = {},
): Promise<unknown> {
  const { folder, command } = await standIn();
  const binary = { path: command, codeDirs: [folder] };
  await using bench = await Bench.open(0, host === undefined ? { binary } : { binary, host });
  return await bench.start(await bench.runOf(await assemble(guest), changes)).ended;
}

Deno.test("runArguments() keep what is fixed in a binary, and nothing of how it is made", () => {
  const args = runArguments(compileArguments("linux-amd64", "krustlet"));
  assert.equal(args[0], "run");
  for (const flag of ["--allow-ffi", "--no-prompt", "--unstable-worker-options"]) {
    assert.ok(args.includes(flag), flag);
  }
  assert.ok(args.every((arg) => arg.startsWith("--") || arg === "run"), args.join(" "));
});

if (Deno.build.os !== "windows") {
  Deno.test("a binary's guest process runs a guest and tells its exit code", async () => {
    assert.deepEqual(await run(EXITS), { kind: "exited", code: 42 });
  });

  Deno.test("a binary's guest has the stack that the binary's flags give", async () => {
    assert.deepEqual(await run(DEEP), { kind: "exited", code: 0 });
  });

  Deno.test("a binary's guest runs in a scoped Worker where the kernel contains nothing", async () => {
    assert.deepEqual(await run(DEEP, { host: "portable" }), { kind: "exited", code: 0 });
    assert.deepEqual(await run(EXITS, { host: "portable" }), { kind: "exited", code: 42 });
  });

  Deno.test("a binary's guest process loads the Workers of threads", async () => {
    assert.deepEqual(await run(THREADS), { kind: "exited", code: 7 });
  });
}

if (Deno.build.os === "linux") {
  Deno.test("a binary's shared process loads its Workers, which have as much stack", async () => {
    const runtimeHandler = "krustlet-worker";
    assert.deepEqual(await run(EXITS, { runtimeHandler }), { kind: "exited", code: 42 });
    assert.deepEqual(await run(DEEP, { runtimeHandler }), { kind: "exited", code: 0 });
  });
}
