/**
 * The options of `krustlet run`.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { KubeletError } from "../errors.ts";
import { type ConfigSources, loadConfigFile } from "./config.ts";
import { COMMON_OPTIONS, KUBELET_OPTIONS, SANDBOX_OPTIONS } from "./kubelet_options.ts";
import {
  CREDENTIAL_OPTIONS,
  type CredentialSettings,
  credentialSettings,
} from "./image_options.ts";
import * as kinds from "./kinds.ts";
import { defineOptions } from "./option.ts";
import { readOptions } from "./read_options.ts";
import type { HostValues } from "./registry_kinds.ts";
import { REGISTRY_OPTIONS } from "./registry_options.ts";

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
  ...REGISTRY_OPTIONS,
  ...CREDENTIAL_OPTIONS,
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
    /** Addresses of mirrors by registry, in the order in which they are asked. */
    readonly registryMirrors: HostValues;
    /** Files with certificate authorities, by registry. */
    readonly registryCas: HostValues;
    /** Files with a client certificate and its key, by registry. */
    readonly registryClientCerts: HostValues;
    /** Where credentials are from, and which images are taken. */
    readonly images: CredentialSettings;
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
      registryMirrors: values.registryMirrors,
      registryCas: values.registryCas,
      registryClientCerts: values.registryClientCerts,
      images: credentialSettings(values, env["HOME"] || env["USERPROFILE"]),
      requireSandbox: values.requireSandbox,
      logLevel: values.logLevel,
      logFormat: values.logFormat,
    },
  };
}
