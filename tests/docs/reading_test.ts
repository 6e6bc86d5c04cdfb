/** The tests of the documentation see what they are to see. */
import assert from "node:assert/strict";
import { commandsOf, krustletCalls } from "./command_lines.ts";
import { wrongWord } from "./krustlet_help.ts";
import { fits } from "./output.ts";
import { reasonsIn, startErrorsIn } from "./reasons.ts";
import { anchorOf, brokenLink, parsePage } from "./page.ts";

const PAGE = parsePage(
  "docs/example.md",
  `# One page
See [it](#one-page), [nothing](#two), \`[no](link)\` and [no file](nowhere.md).

## Commands, and \`more\`

1. First

   \`\`\`sh needs=root
   krustlet --node-ip 192.0.2.10 \\
     --port 1
   # a comment
   cat > a <<EOF
   # no comment
   EOF
   \`\`\`

\`\`\`console
$ krustlet run a.wasm
hello
$ true
\`\`\`
`,
);

Deno.test("parsePage() finds blocks with what they need, also indented ones", () => {
  const [first, second] = PAGE.blocks;
  assert.deepEqual(first?.needs, ["root"]);
  assert.equal(first?.place, "docs/example.md:8");
  assert.equal(first?.section, "Commands, and `more`");
  assert.equal(second?.language, "console");
  assert.throws(() => parsePage("a.md", "```sh\ntrue\n"), /a\.md:1: the block does not end/);
  assert.throws(() => parsePage("a.md", "```sh need=root\n```\n"), /more than needs=/);
});

Deno.test("brokenLink() finds links to headings and files that are not there", async () => {
  assert.equal(anchorOf("Commands, and `more`"), "commands-and-more");
  const twice = parsePage("docs/a.md", "## Same\n\n## Same\n");
  assert.deepEqual([...twice.anchors], ["same", "same-1"]);
  assert.deepEqual(PAGE.links, ["#one-page", "#two", "nowhere.md"]);
  assert.equal(await brokenLink(PAGE, "#one-page"), undefined);
  assert.match(await brokenLink(PAGE, "#two") ?? "", /no such heading/);
  assert.match(await brokenLink(PAGE, "nowhere.md") ?? "", /there is no docs\/nowhere\.md/);
  assert.match(await brokenLink(PAGE, "run.md#nowhere") ?? "", /no such heading/);
  assert.match(await brokenLink(PAGE, "../../outside.md") ?? "", /leads out/);
});

Deno.test("commandsOf() joins what belongs together, and has the output of a session", () => {
  const [first, second] = PAGE.blocks.map(commandsOf);
  assert.deepEqual(first?.map(({ line }) => line), [
    "krustlet --node-ip 192.0.2.10 \\\n  --port 1",
    "cat > a <<EOF\n# no comment\nEOF",
  ]);
  assert.deepEqual(second?.map(({ line, output }) => [line, output]), [
    ["krustlet run a.wasm", "hello"],
    ["true", ""],
  ]);
});

Deno.test("krustletCalls() finds the program wherever it stands, and nothing else", () => {
  const table: [string, string[][]][] = [
    ["cat pod.yaml | krustlet run -", [["run", "-"]]],
    ["A=b krustlet --port 1 # x", [["--port", "1"]]],
    ["npx -y deno@2.9.6 task start run app.wasm", [["run", "app.wasm"]]],
    ["a/krustlet --version && sudo krustlet", [["--version"], []]],
    ["krustlet --a \\\n  --b", [["--a", "--b"]]],
    ["systemctl stop krustlet", []],
    ["cat <<EOF\nkrustlet --no\nEOF", []],
  ];
  for (const [line, calls] of table) assert.deepEqual(krustletCalls(line), calls, line);
});

Deno.test("wrongWord() finds commands and options that there are not", () => {
  const known = new Map([["", new Set(["--port", "-p"])], ["run", new Set(["--grace-period"])]]);
  assert.equal(wrongWord(["--port", "1", "-p=2"], known), undefined);
  assert.equal(wrongWord(["run", "app.wasm", "--", "--verbose"], known), undefined);
  assert.match(wrongWord(["--prot", "1"], known) ?? "", /krustlet start has no option --prot/);
  assert.match(wrongWord(["run", "--port", "1"], known) ?? "", /krustlet run has no option --port/);
  assert.match(wrongWord(["fly"], known) ?? "", /no command "fly"/);
});

Deno.test("fits() knows what may differ from what is documented, and what may not", () => {
  assert.ok(fits("NAME    AGE\nhello   2m3s\n", "NAME   AGE\nhello  12s"));
  assert.ok(fits("a\nb\nlast 1\n", "…\nlast …"));
  assert.ok(fits("b\na\n", "a\nb", { inOrder: false }));
  assert.ok(fits("", ""));
  assert.ok(!fits("b\na\n", "a\nb"));
  assert.ok(!fits("more\nhello\n", "hello"));
  assert.ok(!fits("hello\n", ""));
  assert.ok(!fits("a.b\n", "a+b"));
});

Deno.test("reasonsIn() and startErrorsIn() see what a user would see", () => {
  const source = `
    tell("Warning", "FailedSomehow", \`Cannot do it: \${why}\`);
    this.#waiting("CreateSomethingError");
    return { reason: "Stopped", message };
    readonly reason: "OneThing" | "OtherThing";
    refused("SecretsNotSupported", () => true);
    events.tell({
      reason: forbidden ? "ThingsForbidden" : "ThingsUnavailable",
    });
    throw new Error(\`Cannot fly to "\${moon}": there is no way\`);
    throw new Error("Cannot rest: there is no time");
    log.warn("Cannot see {what}", { what });
  `;
  assert.deepEqual(reasonsIn(source).toSorted(), [
    "CreateSomethingError",
    "FailedSomehow",
    "OneThing",
    "OtherThing",
    "SecretsNotSupported",
    "Stopped",
    "ThingsForbidden",
    "ThingsUnavailable",
  ]);
  assert.deepEqual(startErrorsIn(source), ["Cannot do it", "Cannot fly to", "Cannot rest"]);
});
