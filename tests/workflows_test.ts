/** The workflows: checked by actionlint, and by rules of our own. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { goProgram } from "./parts/go_program.ts";

const WORKFLOWS = fileURLToPath(new URL("../.github/workflows/", import.meta.url));
/** An action of somebody else, by the commit that was looked at, and for people the version that it was. */
const PINNED =
  /^ *- uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*$|^ *(- )?uses: \.\/[\w./-]+$/;

interface Job {
  readonly uses?: string;
  readonly "timeout-minutes"?: number;
  readonly permissions?: unknown;
}

interface Workflow {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: unknown;
  readonly on: Readonly<Record<string, unknown>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const files: readonly (readonly [string, string])[] = await Promise.all(
  (await Array.fromAsync(Deno.readDir(WORKFLOWS))).map(({ name }) => name).sort().map(
    async (name) => [name, await Deno.readTextFile(WORKFLOWS + name)] as const,
  ),
);

/** What actionlint says of a workflow, and its exit code. */
async function actionlint(text: string): Promise<{ readonly code: number; readonly said: string }> {
  const child = new Deno.Command(await goProgram("actionlint"), {
    // Other tools that it would find on some machines and not on others.
    args: ["-no-color", "-oneline", "-shellcheck=", "-pyflakes=", "-"],
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("there are workflows for changes, nights and releases", () => {
  const names = files.map(([name]) => name);
  for (const name of ["ci.yml", "nightly.yml", "release.yml"]) {
    assert.ok(names.includes(name), name);
  }
});

for (const [name, text] of files) {
  Deno.test(`${name} passes actionlint`, async () => {
    assert.deepEqual(await actionlint(text), { code: 0, said: "" });
  });

  Deno.test(`${name} pins its actions, and may do no more than it must`, () => {
    const workflow: Workflow = parse(text);
    for (const line of text.split("\n").filter((one) => /^\s*(- )?uses:/.test(one))) {
      assert.match(line, PINNED);
    }
    for (const [scope, access] of Object.entries(workflow.permissions ?? { none: "given" })) {
      assert.ok(scope === "contents" && access === "read", `${scope}: ${access} for all jobs`);
    }
    if (Object.keys(workflow.on).some((event) => event !== "workflow_call")) {
      assert.ok(workflow.concurrency !== undefined, "two runs could meet");
    }
    for (const [id, job] of Object.entries(workflow.jobs)) {
      assert.ok(job.uses !== undefined || job["timeout-minutes"] !== undefined, `${id} has no end`);
    }
  });

  Deno.test(`${name} runs no text of an event as a script`, () => {
    for (const [, script = ""] of text.matchAll(/^ *(?:- )?run: ((?:.*\n)(?:^ {10,}.*\n)*)/gm)) {
      assert.doesNotMatch(script, /\$\{\{/, "give it by env");
    }
    assert.doesNotMatch(text, /pull_request_target|\$\{\{ *secrets\./);
  });
}

Deno.test("actionlint finds what is wrong", async () => {
  const job = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n";
  assert.equal((await actionlint(`${job}      - run: "true"\n`)).code, 0);
  const injected = await actionlint(`${job}      - run: echo \${{ github.event.issue.title }}\n`);
  assert.equal(injected.code, 1);
  assert.match(injected.said, /untrusted/);
  const unknown = await actionlint(`${job}      - run: echo \${{ steps.none.outputs.x }}\n`);
  assert.match(unknown.said, /property "none" is not defined/);
});
