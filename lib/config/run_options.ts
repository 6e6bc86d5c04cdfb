/**
 * The options of `krustlet run`.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { KubeletError } from "../errors.ts";
import { type ConfigSources, loadConfigFile } from "./config.ts";
import { COMMON_OPTIONS, KUBELET_OPTIONS, SANDBOX_OPTIONS } from "./kubelet_options.ts";
import * as kinds from "./kinds.ts";
import { defineOptions } from "./option.ts";
import { readOptions } from "./read_options.ts";

const SECOND_MS = 1_000;

/** What `krustlet run` can be told. */
export const RUN_OPTIONS = defineOptions({
  gracePeriodMs: {
    flag: "grace-period",
    kind: kinds.duration(0, 3_600 * SECOND_MS),
    default: 10 * SECOND_MS,
    help: "How long the guests may take to end after Ctrl-C, if their pods do not say less.",
    group: "Run",
  },
  insecureRegistries: KUBELET_OPTIONS.insecureRegistries,
  ...SANDBOX_OPTIONS,
  dataDir: KUBELET_OPTIONS.dataDir,
  ...COMMON_OPTIONS,
  logLevel: { ...COMMON_OPTIONS.logLevel, default: "warning" },
});

/** What `krustlet run` was asked to do. */
export interface RunArguments {
  /** Manifests and modules; `-` is the standard input. */
  readonly files: readonly string[];
  /** Arguments of a bare module. */
  readonly moduleArgs: readonly string[];
  /** What the options say, complete with defaults. */
  readonly settings: {
    /** Absolute; only its image store is used. */
    readonly dataDir: string;
    readonly gracePeriodMs: number;
    readonly insecureRegistries: readonly string[];
    /** What must hold guests, or nothing is run. `undefined` takes what there is. */
    readonly requireSandbox: "landlock" | "permissions" | undefined;
    readonly logLevel: "debug" | "info" | "warning" | "error";
    readonly logFormat: "json" | "pretty";
  };
}

/**
 * Reads the arguments of `krustlet run`: options, files, and behind `--` the arguments of a module.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong and what is allowed.
 */
export function parseRunArguments(sources: ConfigSources): RunArguments {
  const { args, env = Deno.env.toObject() } = sources;
  const file = loadConfigFile(sources);
  const { values, positionals, rest } = readOptions(RUN_OPTIONS, {
    args,
    env,
    file,
    takesArguments: true,
  });
  if (positionals.length === 0) {
    throw new KubeletError(
      "invalid",
      "Cannot run: no file was given; give a Pod manifest or a .wasm file, as in: krustlet run pod.yaml",
    );
  }
  const home = env["HOME"] || env["USERPROFILE"] || ".";
  return {
    files: positionals,
    moduleArgs: rest,
    settings: {
      dataDir: resolve(values.dataDir ?? join(home, ".krustlet")),
      gracePeriodMs: values.gracePeriodMs,
      insecureRegistries: values.insecureRegistries,
      requireSandbox: values.requireSandbox,
      logLevel: values.logLevel,
      logFormat: values.logFormat,
    },
  };
}
