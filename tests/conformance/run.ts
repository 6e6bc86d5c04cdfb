/**
 * Runs Kubernetes' own conformance suite against one node of ours.
 *
 *     deno task conformance [FOCUS] [--all] [--any] [--procs=N] [--report=FILE]
 *
 * Without a word it runs the specs of `passing.txt`, and fails if one of them does. FOCUS is a part of
 * a name, or a regular expression, and chooses from the whole target set; `--all` is all of it. With
 * `--any` FOCUS is a regular expression of the runner's own, and chooses from the whole suite.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startControlPlane } from "../harness/control_plane.ts";
import { startKrustlet } from "../harness/kubelet.ts";
import { own } from "../harness/reaper.ts";
import { startRegistry } from "../harness/registry.ts";
import { tempFolder } from "../harness/temp_folder.ts";
import { goProgram } from "../parts/go_program.ts";
import { kubernetesProgram } from "../parts/kubernetes.ts";
import { runTool } from "../parts/run.ts";
import { pushImages } from "./images.ts";
import { chooseSpecs, focusOf, type Lists, readLists } from "./lists.ts";
import { hasOwnNetwork, runInOwnNetwork } from "./own_network.ts";
import { buildPrograms } from "./programs.ts";
import { judge, readReport, type Result, type Verdict } from "./report.ts";
import { buildSuite } from "./suite.ts";

/** Specs at a time. Most of them wait, but each of their containers is a process that starts. */
const PROCS_DEFAULT = 4;
/** Longer than the whole target set takes, one spec after the other. */
const SUITE_HOURS_MAX = 6;
const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** Runs the specs whose names fit against a cluster of their own, and answers how they ended. */
async function runSpecs(
  focus: string,
  options: RunOptions,
): Promise<Result[]> {
  const suite = await buildSuite();
  await using folder = await tempFolder();
  await using plane = await startControlPlane();
  await using registry = await startRegistry();
  const repositories = join(folder.path, "repositories.yaml");
  await Deno.writeTextFile(repositories, await pushImages(registry));
  await using node = await startKrustlet(plane.cluster, {
    // The suite's pods tolerate no taint.
    args: ["--register-with-taints="],
    insecureRegistries: [registry.host],
    ...(hasOwnNetwork() ? { env: { KRUSTLET_POD_NETWORK: "anyip" } } : {}),
  });
  const report = join(folder.path, "report.json");
  const child = new Deno.Command(suite.ginkgo, {
    args: [
      ...["run", `--procs=${options.procs}`, "--silence-skips", "--no-color", "--succinct"],
      ...["--keep-going", `--timeout=${SUITE_HOURS_MAX}h`, `--focus=${focus}`],
      ...[`--output-dir=${folder.path}`, "--json-report=report.json", suite.e2eTest, "--"],
      ...["--provider=local", `--kubeconfig=${plane.cluster.kubeconfig}`, "--minStartupPods=0"],
      ...["--dump-logs-on-failure=false", `--kubectl-path=${await kubectlScript(folder.path)}`],
    ],
    cwd: folder.path,
    env: { KUBE_TEST_REPO_LIST: repositories, HOME: folder.path, NO_COLOR: "1" },
    stdin: "null",
  }).spawn();
  await own(child.pid);
  await child.status;
  if (node.process.ending !== undefined) console.error(await node.tail());
  const json = await Deno.readTextFile(report);
  if (options.report !== undefined) {
    await Deno.writeTextFile(options.report, json);
    await Deno.copyFile(node.process.logPath, `${options.report}.krustlet.log`);
  }
  return readReport(json);
}

/** Builds and fetches all that a run needs, as far as it is not there: a network of one's own leads nowhere. */
async function prepare(): Promise<void> {
  await buildSuite();
  await buildPrograms();
  await kubernetesProgram("kubectl");
  for (const name of ["aide", "registry"] as const) await goProgram(name);
  await runTool([Deno.execPath(), "cache", "--quiet", MAIN]);
}

/** Some specs start kubectl, by one word. */
async function kubectlScript(folder: string): Promise<string> {
  const path = join(folder, "kubectl");
  const words = (await kubernetesProgram("kubectl")).map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(path, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  return path;
}

/** How a run is done. */
interface RunOptions {
  readonly procs: number;
  readonly report?: string;
}

/** Runs specs of the target set. */
async function runListed(
  lists: Lists,
  focus: string | undefined,
  options: RunOptions,
): Promise<Verdict> {
  const specs = chooseSpecs(lists, {
    all: Deno.args.includes("--all"),
    ...(focus === undefined ? {} : { focus }),
  });
  if (specs.length === 0) {
    const advice = "choose from the whole suite with --any";
    return { lines: [`No spec of the target set fits "${focus}"; ${advice}`], good: false };
  }
  return judge(lists, specs, await runSpecs(focusOf(specs), options));
}

/** Runs whatever fits, and wants all of it to pass. */
async function runAny(
  lists: Lists,
  focus: string | undefined,
  options: RunOptions,
): Promise<Verdict> {
  if (focus === undefined) return { lines: ["--any needs a FOCUS"], good: false };
  const results = await runSpecs(focus, options);
  const verdict = judge(lists, results.map(({ spec }) => spec), results);
  const failed = results.filter(({ passed }) => !passed).length;
  return { lines: verdict.lines, good: results.length > 0 && failed === 0 };
}

if (import.meta.main && !hasOwnNetwork()) {
  await prepare();
  const code = await runInOwnNetwork(import.meta.url);
  if (code !== undefined) Deno.exit(code);
}

if (import.meta.main) {
  const flag = (name: string): string | undefined =>
    Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
  const focus = Deno.args.find((arg) => !arg.startsWith("--"));
  const report = flag("report");
  const options = {
    procs: Number(flag("procs") ?? PROCS_DEFAULT),
    ...(report === undefined ? {} : { report }),
  };
  const lists = await readLists();
  const { lines, good } = await (Deno.args.includes("--any")
    ? runAny(lists, focus, options)
    : runListed(lists, focus, options));
  console.log(lines.join("\n"));
  Deno.exit(good ? 0 : 1);
}
