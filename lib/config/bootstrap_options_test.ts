import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { type BootstrapArguments, parseBootstrapArguments } from "./bootstrap_options.ts";
import { MACHINE } from "./world.ts";

const HOME = resolve("/home/ada");

/** Parses on a machine that has only this config file. */
function parse(
  args: string[],
  { env = {}, file }: { env?: Record<string, string>; file?: string } = {},
): BootstrapArguments {
  const world = { ...MACHINE, readFile: () => file, exists: () => false };
  return parseBootstrapArguments({ args, env: { HOME, ...env }, world });
}

Deno.test("parseBootstrapArguments() has a default for everything", () => {
  assert.deepEqual(parse([]), {
    tokenTtlMs: 3_600_000,
    printObjects: false,
    kubeconfig: undefined,
    bootstrapFile: join(HOME, ".krustlet", "config", "bootstrap.conf"),
  });
});

Deno.test("parseBootstrapArguments() reads flags", () => {
  const args = ["--token-ttl=30m", "--kubeconfig", "admin.conf", "--bootstrap-file", "out/b.conf"];
  assert.deepEqual(parse([...args, "--print-objects"]), {
    tokenTtlMs: 1_800_000,
    printObjects: true,
    kubeconfig: "admin.conf",
    bootstrapFile: resolve("out/b.conf"),
  });
});

Deno.test("parseBootstrapArguments() writes below the data folder, unless it is told where", () => {
  const own = join(resolve("data"), "config", "bootstrap.conf");
  assert.equal(parse(["--data-dir", "data"]).bootstrapFile, own);
  const both = parse(["--data-dir", "data", "--bootstrap-file", "b.conf"]);
  assert.equal(both.bootstrapFile, resolve("b.conf"));
});

Deno.test("parseBootstrapArguments() takes the node agent's variables and config file", () => {
  const file = JSON.stringify({ dataDir: resolve("/data"), kubeconfig: "from-file" });
  const fromFile = parse([], { file });
  assert.equal(fromFile.bootstrapFile, join(resolve("/data"), "config", "bootstrap.conf"));
  assert.equal(fromFile.kubeconfig, "from-file");
  assert.equal(parse([], { file, env: { KUBECONFIG: "from-env" } }).kubeconfig, "from-env");
});

for (
  const [args, says] of [
    [["--token-ttl", "59s"], /--token-ttl/],
    [["--token-ttl", "9000h"], /--token-ttl/],
    [["--token-tll", "1h"], /--token-tll.*Did you mean --token-ttl\?/],
    [["node-1"], /argument "node-1"/],
    [["--port", "1"], /--port/],
  ] as const
) {
  Deno.test(`parseBootstrapArguments() refuses ${args.join(" ")}`, () => {
    assert.throws(() => parse([...args]), { code: "invalid", message: says });
  });
}
