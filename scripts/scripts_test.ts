import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Runs for minutes by design, so no test starts it: what it decides with is in files with tests of their own. */
const MEASURES = /^scripts\/bench/;

async function tracked(pattern: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", pattern],
    cwd: ROOT,
  }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((path) => path !== "");
}

Deno.test("every script that people or workflows start is called or imported by a test", async () => {
  const read = (path: string): Promise<string> => Deno.readTextFile(ROOT + path);
  const tests = await tracked("*_test.ts");
  const texts = new Map<string, string>();
  // PowerShell is where releases are tried on Windows.
  for (const path of [...tests, ".ci/run", ".github/workflows/build.yml"]) {
    texts.set(path, await read(path));
  }
  const tasks: Readonly<Record<string, string | object>> =
    JSON.parse(await read("deno.json")).tasks;
  const scripts = [...await tracked("scripts/*.ts"), ...await tracked("scripts/install/*")];
  const started: string[] = [];
  for (const path of scripts.filter((one) => !one.endsWith("_test.ts") && !MEASURES.test(one))) {
    const text = await read(path);
    const isMain = text.includes("import.meta.main") || /\.(sh|ps1)$/.test(path) ||
      path === "scripts/tidy.ts";
    if (isMain) started.push(path);
  }
  assert.ok(started.length > 8, started.join());
  const called = (path: string): boolean => {
    const name = path.split("/").at(-1)!;
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    // A task that a test or the gate runs, such as "package" or "house".
    const inTasks = Object.entries(tasks).filter(([, command]) =>
      typeof command === "string" && command.includes(path)
    ).map(([task]) => task);
    return [...texts].some(([test, text]) =>
      text.includes(path) ||
      test.startsWith(folder) && text.includes(`"./${name}"`) ||
      test.startsWith(folder) && text.includes(`script("${name.replace(/\.ts$/, "")}"`) ||
      inTasks.some((task) => text.includes(`"${task}"`))
    ) || inTasks.some((task) => task === "walls"); // .ci/run starts it by "house"
  };
  assert.deepEqual(started.filter((path) => !called(path)), []);
});
