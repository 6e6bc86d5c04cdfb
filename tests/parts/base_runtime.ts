/**
 * Programs in the formats of other systems, which are never run.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached, hashFolder } from "./cache.ts";
import { goVersion } from "./go_program.ts";
import { runTool, withProgress } from "./run.ts";

const SOURCE = fileURLToPath(new URL("../base_runtime", import.meta.url));

/** Builds a program that does nothing for a platform, as `windows-arm64`, and answers its path. */
export async function baseRuntime(platform: string): Promise<string> {
  const [GOOS = "", GOARCH = ""] = platform.split("-");
  const folder = await cached({
    name: `base_runtime-${platform}`,
    inputs: [await hashFolder(SOURCE, (file) => /\.go$|^go\.mod$/.test(file)), await goVersion()],
    build: (output) =>
      withProgress(`an empty program for ${platform}`, async () => {
        const command = ["go", "build", "-trimpath", "-o", join(output, "program"), "."] as const;
        await runTool(command, { cwd: SOURCE, env: { CGO_ENABLED: "0", GOOS, GOARCH } });
      }),
  });
  return join(folder, "program");
}
