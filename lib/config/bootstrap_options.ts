/**
 * The options of `krustlet bootstrap`.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { type ConfigSources, loadConfigFile } from "./config.ts";
import { COMMON_OPTIONS, KUBELET_OPTIONS } from "./kubelet_options.ts";
import * as kinds from "./kinds.ts";
import { defineOptions } from "./option.ts";
import { readOptions } from "./read_options.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What `krustlet bootstrap` can be told. */
export const BOOTSTRAP_OPTIONS = defineOptions({
  tokenTtlMs: {
    flag: "token-ttl",
    kind: kinds.duration(MINUTE_MS, 24 * 365 * HOUR_MS),
    default: HOUR_MS,
    help: "How long the token is good for.",
    group: "Bootstrap",
  },
  printObjects: {
    flag: "print-objects",
    kind: kinds.flag,
    default: false,
    help: "Print the token's Secret, roles and bindings as YAML, and ask no cluster to make them.",
    group: "Bootstrap",
  },
  kubeconfig: {
    ...KUBELET_OPTIONS.kubeconfig,
    defaultText: "~/.kube/config",
    help: "An administrator's kubeconfig: who may make Secrets in kube-system and bind roles.",
  },
  bootstrapFile: {
    ...KUBELET_OPTIONS.bootstrapFile,
    defaultText: "$dataDir/config/bootstrap.conf",
    help: "Where the bootstrap kubeconfig is written.",
  },
  dataDir: KUBELET_OPTIONS.dataDir,
  ...COMMON_OPTIONS,
});

/** What `krustlet bootstrap` was asked to do. */
export interface BootstrapArguments {
  /** How long the token is good for, in ms. Default one hour. */
  readonly tokenTtlMs: number;
  /** Print the objects in the place of making them. Default false. */
  readonly printObjects: boolean;
  /** `undefined` means `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** Absolute. */
  readonly bootstrapFile: string;
}

/**
 * Reads the arguments of `krustlet bootstrap`.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong and what is allowed.
 */
export function parseBootstrapArguments(sources: ConfigSources): BootstrapArguments {
  const { args, env = Deno.env.toObject() } = sources;
  const { values } = readOptions(BOOTSTRAP_OPTIONS, { args, env, file: loadConfigFile(sources) });
  const home = env["HOME"] || env["USERPROFILE"] || ".";
  const dataDir = values.dataDir ?? join(home, ".krustlet");
  return {
    tokenTtlMs: values.tokenTtlMs,
    printObjects: values.printObjects,
    kubeconfig: values.kubeconfig,
    bootstrapFile: resolve(values.bootstrapFile ?? join(dataDir, "config", "bootstrap.conf")),
  };
}
