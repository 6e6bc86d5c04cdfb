import assert from "node:assert/strict";
import { CliError, parseCommand } from "./command_line.ts";

Deno.test("parseCommand() keeps our options before FILE apart from the program's", () => {
  assert.deepEqual(
    parseCommand(["--dir", "a::/b:ro", "--dir=c", "--env", "K=v=w", "x.wasm", "--dir", "y", "--"]),
    {
      file: "x.wasm",
      args: ["--dir", "y", "--"],
      env: { K: "v=w" },
      preopens: [
        { hostPath: "a", guestPath: "/b", readOnly: true },
        { hostPath: "c", guestPath: "c", readOnly: false },
      ],
      listeners: [],
      addressRules: [],
      trace: false,
    },
  );
  assert.deepEqual(parseCommand(["--host=portable", "--", "-x.wasm"]), {
    file: "-x.wasm",
    args: [],
    env: {},
    preopens: [],
    listeners: [],
    addressRules: [],
    trace: false,
    host: "portable",
  });
  assert.equal(parseCommand(["--help", "--unknown"]), "help");
});

Deno.test("parseCommand() understands addresses, sizes and what is to be traced or called", () => {
  const parsed = parseCommand([
    ...["--tcplisten", "127.0.0.1:8080", "--tcplisten=[::1]:0", "--stdin", "in.txt"],
    ...["--max-memory=64Mi", "--trace=wasi", "--invoke", "sum", "x.wasm", "1"],
  ]);
  assert.ok(parsed !== "help");
  assert.deepEqual(parsed.listeners, [
    { hostname: "127.0.0.1", port: 8080 },
    { hostname: "::1", port: 0 },
  ]);
  const { stdin, memoryBytesMax, trace, invoke, args } = parsed;
  assert.deepEqual([stdin, memoryBytesMax, trace, invoke, args], [
    "in.txt",
    67_108_864,
    true,
    "sum",
    ["1"],
  ]);
  const bytes = (size: string): unknown => {
    const command = parseCommand(["--max-memory", size, "x.wasm"]);
    return command !== "help" && command.memoryBytesMax;
  };
  assert.deepEqual(["7", "2K", "2Ki", "3M", "1G", "1Gi"].map(bytes), [
    ...[7, 2_000, 2_048, 3_000_000, 1_000_000_000, 1_073_741_824],
  ]);
});

Deno.test("parseCommand() understands what may be reached", () => {
  const rules = (...flags: string[]): unknown => {
    const command = parseCommand([...flags, "x.wasm"]);
    return command !== "help" && command.addressRules;
  };
  assert.deepEqual(rules("--allow-net"), [{}]);
  assert.deepEqual(rules("--allow-net=127.0.0.1:80,[::1]:443,fd00::/8", "--allow-net=10.0.0.1"), [
    { block: "127.0.0.1", port: 80 },
    { block: "::1", port: 443 },
    { block: "fd00::/8" },
    { purpose: "resolve" },
    { block: "10.0.0.1" },
    { purpose: "resolve" },
  ]);
  for (
    const text of ["localhost", "1.2.3.4:99999", ",", "1.2.3.4:", ":80", "[::1]x", "1.2.3.4/40"]
  ) {
    assert.throws(() => rules(`--allow-net=${text}`), CliError, text);
  }
});

Deno.test("parseCommand() keeps the order of variables, and the last one of a name", () => {
  const flags = ["B=1", "A=2", "__proto__=3", "B=4"].flatMap((text) => ["--env", text]);
  const command = parseCommand([...flags, "x.wasm"]);
  assert.ok(command !== "help");
  assert.deepEqual(Object.entries(command.env), [["B", "4"], ["A", "2"], ["__proto__", "3"]]);
});

Deno.test("parseCommand() refuses what it does not know", () => {
  for (
    const args of [
      [],
      ["--strange", "x.wasm"],
      ["--toString", "x.wasm"],
      ["--trace=fs", "x.wasm"],
      ["--stdin"],
      ["--tcplisten", "8080", "x.wasm"],
      ["--tcplisten", "::1:8080", "x.wasm"],
      ["--tcplisten", "localhost:65536", "x.wasm"],
      ["--max-memory", "lots", "x.wasm"],
      ["--max-memory", "-1", "x.wasm"],
      ["--max-memory", "1.5G", "x.wasm"],
      ["--max-memory", "", "x.wasm"],
      ["--dir"],
      ["--dir", "::/x", "x.wasm"],
      ["--env", "K", "x.wasm"],
      ["--host", "other", "x.wasm"],
    ]
  ) {
    assert.throws(() => parseCommand(args), CliError, args.join(" "));
  }
});
