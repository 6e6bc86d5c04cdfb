/**
 * The documentation is true: its commands are typed and its outputs compared, its manifests are taken by
 * an API server, its options exist, and its links lead somewhere.
 */
import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { type Command, commandsOf, krustletCalls, NEEDS, TYPED } from "./docs/command_lines.ts";
import { vocabulary, wrongWord } from "./docs/krustlet_help.ts";
import { brokenLink, documentation, ROOT } from "./docs/page.ts";
import { JOURNEYS } from "./docs/journeys.ts";
import { reasonsInSources, startErrors } from "./docs/reasons.ts";
import { Reader } from "./docs/reader.ts";
import type { Cluster } from "./harness/cluster.ts";
import { guest } from "./guests/build.ts";
import { useCluster } from "./harness/testbed.ts";

const pages = await documentation();
const blocks = pages.flatMap((page) => page.blocks);
const FOLLOWED = new Set(JOURNEYS.map(({ page }) => page));

Deno.test("every command of the documentation is typed by a test, or says what it needs", () => {
  const wrong = pages.flatMap((page) =>
    page.blocks.filter(({ language }) => TYPED.includes(language)).flatMap((block) => {
      const unknown = block.needs.filter((word) => !Object.hasOwn(NEEDS, word));
      if (unknown.length > 0) return [`${block.place}: needs=${unknown} is not in the list`];
      const covered = block.needs.length > 0 || FOLLOWED.has(page.path);
      return covered ? [] : [`${block.place}: no test follows this page`];
    })
  );
  assert.deepEqual(wrong, []);
});

Deno.test("every krustlet command of the documentation has a name and options that exist", async () => {
  const known = await vocabulary();
  const typed = blocks.filter(({ language }) => TYPED.includes(language)).flatMap(commandsOf);
  const quoted = pages.flatMap(({ path, quotes }) =>
    quotes.map((line): Command => ({ line, output: undefined, place: path }))
  );
  const calls = [...typed, ...quoted].flatMap(({ line, place }) =>
    krustletCalls(line).map((words) => ({ words, place }))
  );
  assert.ok(calls.length > 80, `only ${calls.length} calls of krustlet were found`);
  const wrong = calls.flatMap(({ words, place }) => {
    const problem = wrongWord(words, known);
    return problem === undefined ? [] : [`${place}: ${problem}`];
  });
  assert.deepEqual(wrong, []);
});

Deno.test("every link of the documentation leads to a file and a heading", async () => {
  const wrong: string[] = [];
  for (const page of pages) {
    for (const link of page.links) {
      const problem = await brokenLink(page, link);
      if (problem !== undefined) wrong.push(`${page.path}: ${problem}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("docs/README.md leads to every page", () => {
  const index = pages.find(({ path }) => path === "docs/README.md");
  const listed = new Set(index?.links.map((link) => `docs/${link.split("#")[0]}`));
  const wanted = pages.map(({ path }) => path).filter((path) => !path.endsWith("README.md"));
  assert.deepEqual(wanted.filter((path) => !listed.has(path)), []);
});

Deno.test("the documentation names one version of Deno, the one that is tested", async () => {
  const workflow = await Deno.readTextFile(`${ROOT}/.github/workflows/ci.yml`);
  const tested = /deno@([\d.]+)/.exec(workflow)?.[1];
  const named = blocks.flatMap(({ text }) => [...text.matchAll(/\bdeno@([\d.]+)/g)]);
  assert.deepEqual([...new Set(named.map(([, version]) => version))], [tested]);
});

Deno.test("the documentation names the version that it is about", async () => {
  const { version } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const named = blocks.filter(({ language }) => TYPED.includes(language)).flatMap(({ text }) => [
    ...text.matchAll(
      /(?:VERSION=|krustlet:|krustlet\/v|[vV]ersion |krustlet[-. ]|checksums-)(\d+\.\d+\.\d+(?:-[a-z]+\.\d+)?)/g,
    ),
  ]);
  assert.ok(named.length > 8, `only ${named.length} were found`);
  assert.deepEqual([...new Set(named.map(([, found]) => found))], [version]);
});

Deno.test("the quick start leads from nothing to a pod in a cluster with ten commands", () => {
  const quickstart = blocks.filter(({ place }) => place.startsWith("docs/quickstart.md:"));
  const way = quickstart.filter(({ section }) =>
    section === "Install" || section === "A pod in a cluster"
  ).flatMap(commandsOf).map(({ line }) => line);
  const logs = way.findIndex((line) => line.startsWith("kubectl logs"));
  assert.ok(way[0]?.startsWith("curl"), "it begins with the download");
  assert.ok(logs > 0 && logs < 10, `kubectl logs is command ${logs + 1}`);
});

Deno.test("docs/troubleshooting.md has every reason of an Event, a condition or a state", async () => {
  const reasons = await reasonsInSources();
  // Some of each kind, so that no pattern ceases to find anything.
  for (
    const known of ["ErrImagePull", "BackOff", "Unhealthy", "CPULimitNotKept", "NetworkRefused"]
  ) {
    assert.ok(reasons.has(known), `${known} was not found`);
  }
  assert.deepEqual(await untold(reasons), []);
});

Deno.test("docs/troubleshooting.md has every error that keeps the agent from starting", async () => {
  const errors = await startErrors();
  for (const known of ["Cannot join a cluster", "Cannot listen on", "Cannot use data folder"]) {
    assert.ok(errors.has(known), `${known} was not found`);
  }
  assert.deepEqual(await untold(errors), []);
});

/** Which of these words the page has neither in a heading nor between backticks. */
async function untold(words: ReadonlyMap<string, string>): Promise<string[]> {
  const page = await Deno.readTextFile(`${ROOT}/docs/troubleshooting.md`);
  const told = [...page.matchAll(/`[^`]+`|^#.+$/gm)].map(([text]) => text).join("\n");
  return [...words].filter(([word]) => !new RegExp(`(?<!\\w)${word}(?!\\w)`).test(told))
    .map(([word, path]) => `${word} of ${path}`).sort();
}

const scenario = useCluster({ alone: true });

scenario("an API server takes every manifest of the documentation", async (cluster) => {
  await using namespace = await cluster.namespace("docs");
  await using _classes = await runtimeClasses(cluster);
  const wrong: string[] = [];
  let count = 0;
  for (const { language, text, place } of blocks) {
    if (language !== "yaml" || !/^kind: /m.test(text)) continue;
    for (const document of parseAllDocuments(text)) {
      count++;
      const { code, stderr } = await cluster.tryKubectl(
        ["create", "-n", namespace.name, "--dry-run=server", "--validate=strict", "-f", "-"],
        { input: String(document) },
      );
      if (code !== 0 && !/AlreadyExists/.test(stderr)) wrong.push(`${place}: ${stderr}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(count >= 10, `only ${count} manifests were found`);
});

scenario("programs in the documentation compile, and its config file is taken", async (cluster) => {
  await using reader = await Reader.open(cluster);
  const programs: string[] = [];
  for (const { language, text, place } of blocks) {
    // Those of the guides are parts of programs, which tests/guides_test.ts puts together.
    if (language === "ts" && !place.startsWith("docs/writing-")) {
      programs.push(`${place.replaceAll(/\W/g, "_")}.ts`);
      await reader.write(programs.at(-1)!, text);
    } else if (language === "json") {
      await reader.write("config.json", text);
      await reader.write("a.wasm", await Deno.readFile(await guest("hello")));
      await reader.run("krustlet inspect --config config.json a.wasm");
    }
  }
  assert.ok(programs.length >= 3);
  await reader.run(`deno check ${programs.join(" ")}`);
});

/** Those that docs/node.md creates: a pod that names one is refused where it is not there. */
async function runtimeClasses(cluster: Cluster): Promise<AsyncDisposable> {
  const path = "/apis/node.k8s.io/v1/runtimeclasses";
  await using made = new AsyncDisposableStack();
  for (const name of ["krustlet", "krustlet-worker"]) {
    if (await cluster.find(`${path}/${name}`) !== undefined) continue;
    await cluster.create(path, { metadata: { name }, handler: name });
    made.defer(() => cluster.delete(`${path}/${name}`));
  }
  return made.move();
}

for (const { page, has, prepare } of JOURNEYS) {
  scenario(`${page} does what it says`, async (cluster) => {
    await using reader = await Reader.open(cluster, { release: has === "release" });
    if (has === "node") await reader.join();
    const count = await reader.follow(page, await prepare?.(reader) ?? {});
    assert.ok(count > 0, "there was nothing to type");
  });
}
