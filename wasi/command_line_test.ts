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
    },
  );
  assert.deepEqual(parseCommand(["--host=portable", "--", "-x.wasm"]), {
    file: "-x.wasm",
    args: [],
    env: {},
    preopens: [],
    host: "portable",
  });
  assert.equal(parseCommand(["--help", "--unknown"]), "help");
});

Deno.test("parseCommand() refuses what it does not know", () => {
  for (
    const args of [
      [],
      ["--trace", "x.wasm"],
      ["--dir"],
      ["--dir", "::/x", "x.wasm"],
      ["--env", "K", "x.wasm"],
      ["--host", "other", "x.wasm"],
    ]
  ) {
    assert.throws(() => parseCommand(args), CliError, args.join(" "));
  }
});
