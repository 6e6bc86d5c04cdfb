/**
 * Whether a node would run a module.
 *
 * @module
 */
import type { ModuleTerms } from "../../provider.ts";
import { COMPONENT } from "../layout/unsupported.ts";
import { checkWasmConfig } from "../layout/wasm_config.ts";
import { PullFailure } from "../oci/failure.ts";
import type { WasmSurvey } from "./wasm_survey.ts";

/** Why a node with these terms would not run the module; undefined if nothing speaks against it. */
export function whyNot(
  { kind, imports, exports }: WasmSurvey,
  { sizeBytes, terms }: { readonly sizeBytes: number; readonly terms: ModuleTerms },
): string | undefined {
  if (sizeBytes > terms.bytesMax) {
    return `it has ${sizeBytes} bytes, and up to ${terms.bytesMax} are taken`;
  }
  if (kind === "component") return terms.components ? undefined : COMPONENT;
  try {
    checkWasmConfig({ architecture: "wasm", os: "wasip1", component: false, imports }, terms);
  } catch (error) {
    if (!(error instanceof PullFailure)) throw error;
    return error.message;
  }
  return exports.includes("_start") || exports.includes("_initialize")
    ? undefined
    : "it does not export _start, so it is no program";
}
