import assert from "node:assert/strict";
import { parseConfigFile } from "./config_file.ts";
import * as kinds from "./kinds.ts";
import { defineOptions } from "./option.ts";
import { readOptions } from "./read_options.ts";

const TABLE = defineOptions({
  port: {
    flag: "port",
    short: "p",
    env: "T_PORT",
    key: "port",
    kind: kinds.port,
    default: 3000,
    help: "Port.",
    group: "G",
  },
  local: {
    flag: "x-local",
    env: "T_LOCAL",
    key: "local",
    kind: kinds.flag,
    default: false,
    help: "Local.",
    group: "G",
  },
  names: { flag: "names", env: "T_NAMES", key: "names", kind: kinds.list, help: "N.", group: "G" },
  all: { flag: "all", short: "A", kind: kinds.bareFlag, default: false, help: "All.", group: "G" },
});

const file = (json: unknown): ReturnType<typeof parseConfigFile> =>
  parseConfigFile("/c.json", JSON.stringify(json));

Deno.test("readOptions() prefers flag, then environment, then file, then default", () => {
  const sources = { args: ["--port", "1"], env: { T_PORT: "2" }, file: file({ port: 3 }) };
  assert.equal(readOptions(TABLE, sources).values.port, 1);
  assert.equal(readOptions(TABLE, { ...sources, args: [] }).values.port, 2);
  assert.equal(readOptions(TABLE, { args: [], file: sources.file }).values.port, 3);
  assert.equal(readOptions(TABLE, { args: [] }).values.port, 3000);
});

Deno.test("readOptions() says who gave a value", () => {
  const read = readOptions(TABLE, {
    args: ["-p1"],
    env: { T_NAMES: "a" },
    file: file({ local: true }),
  });
  assert.deepEqual(read.origins, {
    port: "-p",
    names: "T_NAMES",
    local: 'key "local" in /c.json',
  });
});

Deno.test("readOptions() takes every way to write a flag", () => {
  for (const args of [["-p", "7"], ["-p7"], ["-p=7"], ["--port", "7"], ["--port=7"]]) {
    assert.equal(readOptions(TABLE, { args }).values.port, 7, args.join(" "));
  }
  for (const args of [["--x-local"], ["--x-local", "true"], ["--x-local=true"]]) {
    assert.equal(readOptions(TABLE, { args }).values.local, true, args.join(" "));
  }
  assert.equal(readOptions(TABLE, { args: ["--x-local", "false"] }).values.local, false);
  assert.equal(readOptions(TABLE, { args: ["-A"] }).values.all, true);
});

Deno.test("readOptions() joins lists that are given twice, and takes the last number", () => {
  const { values } = readOptions(TABLE, { args: ["--names=a,b", "--names", "c", "-p1", "-p2"] });
  assert.deepEqual(values.names, ["a", "b", "c"]);
  assert.equal(values.port, 2);
});

Deno.test("readOptions() does not look at a bad value that a stronger source overrides", () => {
  const sources = { args: ["--port=1"], env: { T_PORT: "x" }, file: file({ port: "x" }) };
  assert.equal(readOptions(TABLE, sources).values.port, 1);
});

Deno.test("readOptions() takes an empty variable for none, unless empty is a value", () => {
  const env = { T_PORT: "", T_NAMES: "" };
  const { values } = readOptions(TABLE, { args: [], env, file: file({ port: 5, names: ["a"] }) });
  assert.equal(values.port, 5);
  assert.deepEqual(values.names, []);
});

Deno.test("readOptions() names value, source and what is allowed", () => {
  const allowed = "allowed is a whole number from 0 to 65535";
  const cases: [Parameters<typeof readOptions>[1], string][] = [
    [{ args: ["--port", "99999"] }, `Cannot use --port "99999": it is out of range; ${allowed}`],
    [{ args: ["-p", "x"] }, `Cannot use -p "x": it is not a whole number; ${allowed}`],
    [{ args: ["--port="] }, `Cannot use --port "": it is not a whole number; ${allowed}`],
    [
      { args: [], env: { T_PORT: "x" } },
      `Cannot use T_PORT "x": it is not a whole number; ${allowed}`,
    ],
    [
      { args: [], file: file({ port: "80" }) },
      `Cannot use key "port" in /c.json "80": it is not a whole number; ${allowed}`,
    ],
    [{ args: ["--port"] }, `Cannot use --port alone: it needs a value; ${allowed}`],
    [{ args: ["--port", "--all"] }, `Cannot use --port alone: it needs a value; ${allowed}`],
    [
      { args: ["--x-local=yes"] },
      'Cannot use --x-local "yes": it is neither; allowed is true or false',
    ],
    [
      { args: ["--frob"] },
      "Cannot use --frob: there is no such option. See --help for all of them.",
    ],
    [{ args: ["--ports=1"] }, "Cannot use --ports: there is no such option. Did you mean --port?"],
    [{ args: ["-x"] }, "Cannot use -x: there is no such option. See --help for all of them."],
    [{ args: ["pod.yaml"] }, 'Cannot use argument "pod.yaml": this command takes only options'],
    [{ args: ["--", "a"] }, 'Cannot use argument "a": this command takes only options'],
  ];
  for (const [sources, message] of cases) {
    assert.throws(() => readOptions(TABLE, sources), { name: "KubeletError", message });
  }
});

Deno.test("readOptions() keeps arguments, and leaves alone what stands behind --", () => {
  const args = ["a.wasm", "-p", "1", "b", "--", "--port", "x", "--x-local", "true"];
  const read = readOptions(TABLE, { args, takesArguments: true });
  assert.deepEqual(read.positionals, ["a.wasm", "b"]);
  assert.deepEqual(read.rest, ["--port", "x", "--x-local", "true"]);
  assert.equal(read.values.local, false);
});
