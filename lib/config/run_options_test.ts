import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import type { ConfigSources } from "./config.ts";
import { parseRunArguments, type RunArguments } from "./run_options.ts";
import { MACHINE } from "./world.ts";

const HOME = resolve("/home/ada");

/** Parses on a machine that has only this config file. */
function parse(
  args: string,
  sources: Partial<ConfigSources> & { file?: string } = {},
): RunArguments {
  const { file, ...others } = sources;
  const world = { ...MACHINE, readFile: () => file, exists: () => false };
  return parseRunArguments({ args: args.split(" "), env: { HOME }, world, ...others });
}

Deno.test("parseRunArguments() has defaults for all but the files", () => {
  assert.deepEqual(parse("pod.yaml"), {
    files: ["pod.yaml"],
    moduleArgs: [],
    settings: {
      dataDir: join(HOME, ".krustlet"),
      gracePeriodMs: 10_000,
      insecureRegistries: [],
      registryMirrors: {},
      registryCas: {},
      registryClientCerts: {},
      images: {
        dockerConfigDir: undefined,
        home: HOME,
        providers: undefined,
        policyFile: undefined,
      },
      requireSandbox: undefined,
      logLevel: "warning",
      logFormat: "pretty",
    },
  });
});

Deno.test("parseRunArguments() keeps the files' order, and gives the rest to the module", () => {
  const { files, moduleArgs } = parse("b.yaml - a.wasm -- --name=x -- y.yaml");
  assert.deepEqual(files, ["b.yaml", "-", "a.wasm"]);
  assert.deepEqual(moduleArgs, ["--name=x", "--", "y.yaml"]);
});

Deno.test("parseRunArguments() reads every option, before and behind the files", () => {
  const flags = "--grace-period 2s --insecure-registries a:5000,b pod.yaml --data-dir data " +
    "--log-level debug --log-format json --require-sandbox landlock " +
    "--registry-mirror docker.io=https://m.example --docker-config-dir /docker --image-policy /p";
  const { files, settings } = parse(flags);
  assert.deepEqual(files, ["pod.yaml"]);
  assert.deepEqual(settings, {
    dataDir: resolve("data"),
    gracePeriodMs: 2_000,
    insecureRegistries: ["a:5000", "b"],
    registryMirrors: { "docker.io": ["https://m.example"] },
    registryCas: {},
    registryClientCerts: {},
    images: { dockerConfigDir: "/docker", home: HOME, providers: undefined, policyFile: "/p" },
    requireSandbox: "landlock",
    logLevel: "debug",
    logFormat: "json",
  });
});

Deno.test("parseRunArguments() takes what the node agent's config file says of the same things", () => {
  const file = JSON.stringify({ insecureRegistries: ["a:5000"], logFormat: "json", maxPods: 5 });
  const { settings } = parse("pod.yaml", { file });
  assert.deepEqual(settings.insecureRegistries, ["a:5000"]);
  assert.equal(settings.logFormat, "json");
  assert.equal(settings.gracePeriodMs, 10_000);
});

for (
  const [args, says] of [
    ["--log-level info", /no file was given.*krustlet run pod\.yaml/],
    ["--grace-period 2 pod.yaml", /--grace-period "2": the unit is missing/],
    ["--grace-period 2h pod.yaml", /--grace-period/],
    ["--max-pods 3 pod.yaml", /--max-pods/],
    ["--require-sandbox docker pod.yaml", /--require-sandbox "docker".*landlock, permissions/],
    ["--log-level loud pod.yaml", /--log-level.*debug.*error/],
  ] as const
) {
  Deno.test(`parseRunArguments() refuses "${args}"`, () => {
    assert.throws(() => parse(args), { code: "invalid", message: says });
  });
}
