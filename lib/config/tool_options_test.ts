import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { isKubeletError } from "../errors.ts";
import { commandHelp } from "./command_help.ts";
import type { ConfigSources } from "./config.ts";
import { parseInspectArguments, parsePullArguments, parsePushArguments } from "./tool_options.ts";
import { MACHINE } from "./world.ts";

const HOME = resolve("/home/ada");

function sources(args: string, env: Record<string, string> = {}): ConfigSources {
  const world = { ...MACHINE, readFile: () => undefined, exists: () => false };
  return { args: args === "" ? [] : args.split(" "), env: { HOME, ...env }, world };
}

function refuses(deed: () => unknown, message: RegExp): void {
  assert.throws(deed, (error) => {
    assert.ok(isKubeletError(error, "invalid"), String(error));
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("parsePushArguments() has defaults for all but the file and the image", () => {
  const { settings, ...request } = parsePushArguments(sources("app.wasm r.io/app:v1"));
  assert.deepEqual(request, {
    path: "app.wasm",
    image: "r.io/app:v1",
    tags: [],
    format: "oci",
    module: undefined,
    annotations: {},
    createdMs: undefined,
  });
  assert.deepEqual(settings, {
    dataDir: join(HOME, ".krustlet"),
    insecure: false,
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
    json: false,
    quiet: false,
    logLevel: "warning",
    logFormat: "pretty",
  });
});

Deno.test("parsePushArguments() reads tags, annotations with commas, and short OCI keys", () => {
  const { tags, annotations } = parsePushArguments(sources(
    "app.wasm r/app --tag v1,v2 --tag latest --annotation version=1.2.0 --annotation a.b=x,y=z",
  ));
  assert.deepEqual(tags, ["v1", "v2", "latest"]);
  assert.deepEqual(annotations, { "org.opencontainers.image.version": "1.2.0", "a.b": "x,y=z" });
});

Deno.test("parsePushArguments() reads a time in both forms, and SOURCE_DATE_EPOCH", () => {
  const created = (args: string, env?: Record<string, string>): number | undefined =>
    parsePushArguments(sources(`app.wasm r/app${args}`, env)).createdMs;
  const epoch = { SOURCE_DATE_EPOCH: "1700000000" };
  assert.equal(created("", epoch), 1_700_000_000_000);
  assert.equal(created(" --created 2023-11-14T22:13:20Z"), 1_700_000_000_000);
  assert.equal(created(" --created 2023-11-14T23:13:20.9+01:00", epoch), 1_700_000_000_000);
  assert.equal(created(" --created 0"), 0);
  for (const wrong of ["yesterday", "-1", "2023-13-01T00:00:00Z", "999999999999"]) {
    refuses(() => created(` --created=${wrong}`), /Cannot use --created ".*it is no such time/);
  }
});

Deno.test("parsePullArguments() tells a path from a way to print, and takes both", () => {
  const parse = (args: string): [string | undefined, boolean] => {
    const { output, settings } = parsePullArguments(sources(`r/app ${args}`));
    return [output, settings.json];
  };
  assert.deepEqual(parse("-q"), [undefined, false]);
  assert.deepEqual(parse("-o app.wasm"), ["app.wasm", false]);
  assert.deepEqual(parse("-o json"), [undefined, true]);
  assert.deepEqual(parse("-o out/ -o json"), ["out/", true]);
  assert.deepEqual(parse("-o json -o ./json"), ["./json", true]);
});

Deno.test("parse…Arguments() say which word is missing or too many, with an example", () => {
  refuses(() => parsePushArguments(sources("")), /a \.wasm file or a folder is missing; as in: k/);
  refuses(() => parsePushArguments(sources("app.wasm")), /an image is missing/);
  refuses(() => parsePullArguments(sources("a b")), /"b" is one argument too many/);
  refuses(() => parseInspectArguments(sources("")), /an image or a file is missing/);
  refuses(() => parsePushArguments(sources("a b --annotation =x")), /it has no key/);
  assert.equal(parseInspectArguments(sources("a -o json")).settings.json, true);
});

for (const command of ["push", "pull", "inspect"]) {
  Deno.test(`commandHelp() has a page for ${command} that fits a terminal`, () => {
    const help = commandHelp(command, {});
    assert.match(help, new RegExp(`^Usage: krustlet ${command} `));
    assert.ok(help.split("\n").every((line) => line.length <= 100));
  });
}
