/**
 * The options of `krustlet smite`.
 *
 * @module
 */
import { KubeletError } from "../errors.ts";
import { type ConfigSources, loadConfigFile } from "./config.ts";
import * as kinds from "./kinds.ts";
import { COMMON_OPTIONS, KUBELET_OPTIONS } from "./kubelet_options.ts";
import { defineOptions } from "./option.ts";
import { readOptions } from "./read_options.ts";

/** What `krustlet smite` can be told. */
export const SMITE_OPTIONS = defineOptions({
  yes: {
    flag: "yes",
    short: "y",
    kind: kinds.flag,
    default: false,
    help: "Delete; else only say what would be deleted.",
    group: "Smite",
  },
  force: {
    flag: "force",
    kind: kinds.flag,
    default: false,
    help: "Take the node for dead although it shows signs of life.",
    group: "Smite",
  },
  kubeconfig: {
    ...KUBELET_OPTIONS.kubeconfig,
    defaultText: "~/.kube/config",
    help: "An administrator's kubeconfig: who may delete nodes, pods, leases and requests.",
  },
  ...COMMON_OPTIONS,
  logLevel: { ...COMMON_OPTIONS.logLevel, default: "warning" },
});

/** What `krustlet smite` was asked to do. */
export interface SmiteArguments {
  /** The node's name. */
  readonly node: string;
  /** Delete; else only say what would be deleted. */
  readonly yes: boolean;
  /** Whatever the node shows. */
  readonly force: boolean;
  /** `undefined` means `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** The least important messages that are logged. */
  readonly logLevel: "debug" | "info" | "warning" | "error";
  /** For machines or for people. */
  readonly logFormat: "json" | "pretty";
}

/**
 * Reads the arguments of `krustlet smite`.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong and what is allowed.
 */
export function parseSmiteArguments(sources: ConfigSources): SmiteArguments {
  const { args, env = Deno.env.toObject() } = sources;
  const { values, positionals, rest } = readOptions(SMITE_OPTIONS, {
    args,
    env,
    file: loadConfigFile(sources),
    takesArguments: true,
  });
  const [node, ...more] = [...positionals, ...rest];
  if (node === undefined || more.length > 0) {
    throw new KubeletError("invalid", "Cannot smite: name one node, as in krustlet smite NODE");
  }
  const { yes, force, kubeconfig, logLevel, logFormat } = values;
  return { node, yes, force, kubeconfig, logLevel, logFormat };
}
