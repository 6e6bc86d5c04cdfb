/**
 * Builds everything that the tests need: `deno run -A tests/parts/build.ts`.
 *
 * @module
 */
import { buildPrograms } from "../conformance/programs.ts";
import { buildGuests } from "../guests/build.ts";
import { baseRuntime } from "./base_runtime.ts";
import { goProgram } from "./go_program.ts";
import { pythonOras } from "./python_oras.ts";

/** Builds what is missing of the programs and guests, so that no test waits for a compiler. */
export async function prepareParts(): Promise<void> {
  await goProgram("aide");
  await buildGuests();
  await buildPrograms();
  await goProgram("registry");
  await goProgram("stream_client");
  for (const os of ["linux", "darwin", "windows"]) {
    for (const arch of ["amd64", "arm64"]) await baseRuntime(`${os}-${arch}`);
  }
  await goProgram("metrics_lint");
  await goProgram("actionlint");
  for (const tool of ["crane", "regctl", "skopeo", "oras"] as const) await goProgram(tool);
  await pythonOras();
  await goProgram("metrics_server");
  // Kubernetes is left out if it is there already: see kubernetesProgram().
  if (!Deno.env.get("KUBEBUILDER_ASSETS")) await goProgram("control_plane");
}

if (import.meta.main) await prepareParts();
