/**
 * The options of `krustlet doctor`.
 *
 * @module
 */
import {
  completeConfig,
  type ConfigSources,
  type KrustletConfig,
  loadConfigFile,
} from "./config.ts";
import * as kinds from "./kinds.ts";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";
import { defineOptions } from "./option.ts";
import { readOptions } from "./read_options.ts";

/** What `krustlet doctor` can be told besides all that the node agent can. */
export const DOCTOR_OPTIONS = defineOptions({
  output: {
    flag: "output",
    short: "o",
    kind: kinds.choice("text", "json"),
    default: "text",
    help: "Print the findings for people, or for machines.",
    group: "Output",
  },
});

/** What `krustlet doctor` was asked to do. */
export interface DoctorArguments {
  /** The configuration of the node that is examined. */
  readonly config: KrustletConfig;
  /** Print for machines. */
  readonly json: boolean;
}

/**
 * Reads the arguments of `krustlet doctor`: those of the node agent, and its own.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong and what is allowed.
 */
export async function parseDoctorArguments(sources: ConfigSources): Promise<DoctorArguments> {
  const { args, env = Deno.env.toObject() } = sources;
  const table = { ...KUBELET_OPTIONS, ...DOCTOR_OPTIONS };
  const { values } = readOptions(table, { args, env, file: loadConfigFile(sources) });
  const { output, ...others } = values;
  return { config: await completeConfig(others, sources), json: output === "json" };
}
