/**
 * The options of `krustlet push`, `krustlet pull` and `krustlet inspect`.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { KubeletError } from "../errors.ts";
import { type ConfigSources, loadConfigFile } from "./config.ts";
import {
  CREDENTIAL_OPTIONS,
  type CredentialSettings,
  credentialSettings,
} from "./image_options.ts";
import * as kinds from "./kinds.ts";
import { COMMON_OPTIONS, KUBELET_OPTIONS } from "./kubelet_options.ts";
import { defineOptions, type OptionTable, type OptionValues } from "./option.ts";
import { readOptions } from "./read_options.ts";
import type { HostValues } from "./registry_kinds.ts";
import { REGISTRY_OPTIONS } from "./registry_options.ts";
import { annotation, pullOutput, time } from "./tool_kinds.ts";

const SHARED_OPTIONS = defineOptions({
  insecure: {
    flag: "insecure",
    kind: kinds.flag,
    default: false,
    help: "Speak plain HTTP to this registry, as to those of --insecure-registries.",
    group: "Images",
  },
  quiet: {
    flag: "quiet",
    short: "q",
    kind: kinds.flag,
    default: false,
    help: "Print only the result and what went wrong.",
    group: "Output",
  },
  ...REGISTRY_OPTIONS,
  ...CREDENTIAL_OPTIONS,
  dataDir: KUBELET_OPTIONS.dataDir,
  ...COMMON_OPTIONS,
  logLevel: { ...COMMON_OPTIONS.logLevel, default: "warning" },
});

const OUTPUT_OPTIONS = defineOptions({
  output: {
    flag: "output",
    short: "o",
    kind: kinds.choice("text", "json"),
    default: "text",
    help: "Print the result for people, or for machines.",
    group: "Output",
  },
});

/** What `krustlet push` can be told. */
export const PUSH_OPTIONS = defineOptions({
  tags: {
    flag: "tag",
    kind: kinds.list,
    default: [],
    help: "More tags for the same image, in the same repository.",
    group: "Push",
  },
  format: {
    flag: "format",
    kind: kinds.choice("oci", "wasm-to-oci"),
    default: "oci",
    help: "Publish as the CNCF's Wasm artifact, or in the older form of wasm-to-oci.",
    group: "Push",
  },
  module: {
    flag: "module",
    kind: kinds.path,
    defaultText: "the only .wasm file at the folder's top",
    help: "Which file of a folder is the module. The others are its data.",
    group: "Push",
  },
  annotations: {
    flag: "annotation",
    kind: annotation,
    default: {},
    help: "An annotation of the image; more with the flag again. Keys of the OCI image \
specification go without their prefix, as version=1.2.0 or source=https://….",
    group: "Push",
  },
  createdMs: {
    flag: "created",
    env: "SOURCE_DATE_EPOCH",
    kind: time,
    defaultText: "none, so that the same files make the same digest",
    help: "When the image was made.",
    group: "Push",
  },
  ...OUTPUT_OPTIONS,
  ...SHARED_OPTIONS,
});

/** What `krustlet pull` can be told. */
export const PULL_OPTIONS = defineOptions({
  output: {
    flag: "output",
    short: "o",
    kind: pullOutput,
    default: {},
    defaultText: "text, and no copy",
    help: "Copy the module to this file, or all files of the image into this folder; json or text \
say how the result is printed instead. A file of such a name is ./json.",
    group: "Output",
  },
  ...SHARED_OPTIONS,
});

/** What `krustlet inspect` can be told. */
export const INSPECT_OPTIONS = defineOptions({ ...OUTPUT_OPTIONS, ...SHARED_OPTIONS });

/** What the three commands share, complete with defaults. */
export interface ToolCommandSettings {
  /** Absolute. */
  readonly dataDir: string;
  /** The registry that is named speaks plain HTTP. */
  readonly insecure: boolean;
  /** Registries that speak plain HTTP. */
  readonly insecureRegistries: readonly string[];
  /** Addresses of mirrors by registry, in the order in which they are asked. */
  readonly registryMirrors: HostValues;
  /** Files with certificate authorities, by registry. */
  readonly registryCas: HostValues;
  /** Files with a client certificate and its key, by registry. */
  readonly registryClientCerts: HostValues;
  /** Where credentials are from, and which images are taken. */
  readonly images: CredentialSettings;
  /** Print the result for machines. */
  readonly json: boolean;
  /** Say nothing but the result and what went wrong. */
  readonly quiet: boolean;
  /** The least important messages that are logged. */
  readonly logLevel: "debug" | "info" | "warning" | "error";
  /** For machines or for people. */
  readonly logFormat: "json" | "pretty";
}

/** What `krustlet push` was asked to do. */
export interface PushArguments {
  /** A file or a folder. */
  readonly path: string;
  /** The reference to push it as. */
  readonly image: string;
  /** More tags for the same manifest. */
  readonly tags: readonly string[];
  /** The artifact's format. */
  readonly format: "oci" | "wasm-to-oci";
  /** Which file of a folder is the module. */
  readonly module: string | undefined;
  /** For the manifest. */
  readonly annotations: Readonly<Record<string, string>>;
  /** In ms since 1970. */
  readonly createdMs: number | undefined;
  /** What all three commands take. */
  readonly settings: ToolCommandSettings;
}

/** What `krustlet pull` was asked to do. */
export interface PullArguments {
  /** The reference. */
  readonly image: string;
  /** File or folder for a copy. */
  readonly output: string | undefined;
  /** What all three commands take. */
  readonly settings: ToolCommandSettings;
}

/** What `krustlet inspect` was asked to do. */
export interface InspectArguments {
  /** A reference or a file. */
  readonly image: string;
  /** What all three commands take. */
  readonly settings: ToolCommandSettings;
}

/**
 * Reads the arguments of `krustlet push`.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong and what is allowed.
 */
export function parsePushArguments(sources: ConfigSources): PushArguments {
  const { values, words, env } = read(PUSH_OPTIONS, sources, {
    command: "push",
    wanted: ["a .wasm file or a folder", "an image"],
    example: "krustlet push app.wasm registry.example.com/app:v1",
  });
  const { tags, format, module, annotations, createdMs } = values;
  return {
    path: words[0]!,
    image: words[1]!,
    tags,
    format,
    module,
    annotations,
    createdMs,
    settings: settingsOf({ ...values, json: values.output === "json" }, env),
  };
}

/**
 * Reads the arguments of `krustlet pull`.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong and what is allowed.
 */
export function parsePullArguments(sources: ConfigSources): PullArguments {
  const { values, words, env } = read(PULL_OPTIONS, sources, {
    command: "pull",
    wanted: ["an image"],
    example: "krustlet pull registry.example.com/app:v1 -o app.wasm",
  });
  return {
    image: words[0]!,
    output: values.output.path,
    settings: settingsOf({ ...values, json: values.output.json === true }, env),
  };
}

/**
 * Reads the arguments of `krustlet inspect`.
 *
 * @throws {KubeletError} `invalid`, naming what is wrong and what is allowed.
 */
export function parseInspectArguments(sources: ConfigSources): InspectArguments {
  const { values, words, env } = read(INSPECT_OPTIONS, sources, {
    command: "inspect",
    wanted: ["an image or a file"],
    example: "krustlet inspect registry.example.com/app:v1",
  });
  return {
    image: words[0]!,
    settings: settingsOf({ ...values, json: values.output === "json" }, env),
  };
}

function read<Table extends OptionTable>(
  table: Table,
  sources: ConfigSources,
  usage: {
    readonly command: string;
    readonly wanted: readonly string[];
    readonly example: string;
  },
): {
  values: OptionValues<Table>;
  words: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
} {
  const { args, env = Deno.env.toObject() } = sources;
  const file = loadConfigFile(sources);
  const { values, positionals, rest } = readOptions(table, {
    args,
    env,
    file,
    takesArguments: true,
  });
  const words = [...positionals, ...rest];
  const { command, wanted, example } = usage;
  if (words.length !== wanted.length) {
    const state = words.length < wanted.length
      ? `${wanted[words.length]} is missing`
      : `"${words[wanted.length]}" is one argument too many`;
    throw new KubeletError("invalid", `Cannot ${command}: ${state}; as in: ${example}`);
  }
  return { values, words, env };
}

function settingsOf(
  values: OptionValues<typeof SHARED_OPTIONS> & { readonly json: boolean },
  env: Readonly<Record<string, string | undefined>>,
): ToolCommandSettings {
  const home = env["HOME"] || env["USERPROFILE"];
  return {
    dataDir: resolve(values.dataDir ?? join(home || ".", ".krustlet")),
    insecure: values.insecure,
    insecureRegistries: values.insecureRegistries,
    registryMirrors: values.registryMirrors,
    registryCas: values.registryCas,
    registryClientCerts: values.registryClientCerts,
    images: credentialSettings(values, home),
    json: values.json,
    quiet: values.quiet,
    logLevel: values.logLevel,
    logFormat: values.logFormat,
  };
}
