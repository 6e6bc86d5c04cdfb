/**
 * Builds Kubernetes' own end-to-end suite, and the program that runs such suites in parallel.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, hashFolder } from "../parts/cache.ts";
import { goVersion } from "../parts/go_program.ts";
import { runTool, withProgress } from "../parts/run.ts";

const SOURCE = fileURLToPath(new URL("./suite", import.meta.url));
const FLAGS = [
  "-trimpath",
  "-ldflags",
  "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3",
];

/** Where the two programs are. */
export interface Suite {
  readonly ginkgo: string;
  readonly e2eTest: string;
}

/** Builds both, once. It takes 3 to 10 minutes, and 200 MB in the cache. */
export async function buildSuite(): Promise<Suite> {
  const folder = await cached({
    name: "conformance_suite",
    inputs: [
      await hashFolder(SOURCE, (name) => /^go\.(mod|sum)$/.test(name)),
      await goVersion(),
      ...FLAGS,
    ],
    build: (output) =>
      withProgress("Kubernetes' end-to-end suite (3 to 10 minutes)", async () => {
        const go = (...args: readonly string[]): Promise<string> =>
          runTool(["go", ...args], { cwd: SOURCE, env: { CGO_ENABLED: "0" } });
        await go(
          "build",
          ...FLAGS,
          "-o",
          join(output, "ginkgo"),
          "github.com/onsi/ginkgo/v2/ginkgo",
        );
        const suite = ["test", "-c", ...FLAGS, "-o", join(output, "e2e.test")];
        await go(...suite, "k8s.io/kubernetes/test/e2e");
      }),
  });
  return { ginkgo: join(folder, "ginkgo"), e2eTest: join(folder, "e2e.test") };
}
