import assert from "node:assert/strict";
import { helpText } from "./help.ts";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";

const PAGE = {
  usage: "krustlet [start] [OPTIONS]",
  about: "A Kubernetes node agent that runs WebAssembly modules as pods.",
  commands: { start: "Run the node agent.", run: "Run pod manifests without a cluster." },
  options: KUBELET_OPTIONS,
  examples: [{ line: "krustlet --node-ip 10.0.0.9", does: "Join the cluster." }],
  notes: ["Every option may also be given by its variable."],
};

Deno.test("helpText() shows every option with its variable, key and default", () => {
  const help = flatten(helpText(PAGE));
  for (const { flag, env, key, help: sentence } of Object.values(KUBELET_OPTIONS) as Row[]) {
    assert.ok(help.includes(`--${flag}`), flag);
    if (env !== undefined) assert.ok(help.includes(`env: ${env}`), env);
    if (key !== undefined) assert.ok(help.includes(`key: ${key}`), key);
    assert.ok(help.includes(sentence), sentence);
  }
  assert.match(help, /-p, --port PORT .* default: 3000\]/);
});

Deno.test("helpText() fits into 90 columns", () => {
  for (const line of helpText(PAGE).split("\n")) assert.ok([...line].length <= 90, line);
});

Deno.test("helpText() says no more than it is given", () => {
  assert.equal(helpText({ usage: "krustlet x" }), "Usage: krustlet x\n");
  assert.equal(
    helpText({ usage: "x", commands: { a: "Does a.", long: "Does b." } }),
    "Usage: x\n\nCommands:\n  a     Does a.\n  long  Does b.\n",
  );
});

interface Row {
  flag: string;
  env?: string;
  key?: string;
  help: string;
}

function flatten(text: string): string {
  return text.replace(/\s+/g, " ");
}
