/**
 * Which credential providers the node has: `CredentialProviderConfig` of `kubelet.config.k8s.io/v1`.
 *
 * @module
 */
import { join } from "node:path";
import { KubeletError, messageOf } from "../../errors.ts";
import { Fields } from "../strict_fields.ts";

/** One program that gives credentials for some images. */
export interface CredentialProvider {
  /** Name of the program in the providers' folder. */
  readonly name: string;
  /** Patterns of the images that it is asked for. */
  readonly matchImages: readonly string[];
  /** How long an answer is remembered that does not say so itself. */
  readonly defaultCacheMs: number;
  /** Version of the protocol; the answer must have the same. */
  readonly apiVersion: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Present for a provider that works with the pod's service account (KEP-4412). */
  readonly token?: TokenAttributes;
}

/** What a provider wants of a pod's service account. */
export interface TokenAttributes {
  readonly audience: string;
  /** Whether an answer is good for one token only, or for all pods of the service account. */
  readonly cacheType: "ServiceAccount" | "Token";
  /** True if the provider is not asked for a pod without a service account. */
  readonly required: boolean;
  /** The provider is not asked unless the service account has all of these. */
  readonly requiredAnnotations: readonly string[];
  readonly optionalAnnotations: readonly string[];
}

const CONFIG_VERSIONS = /^kubelet\.config\.k8s\.io\/v1(alpha1|beta1)?$/;
const PROVIDER_VERSIONS = /^credentialprovider\.kubelet\.k8s\.io\/v1(alpha1|beta1)?$/;
const TOKEN_VERSION = "credentialprovider.kubelet.k8s.io/v1";

/**
 * Reads a file, or all `.json`, `.yaml` and `.yml` files of a folder by their names, and checks that
 * each provider is a program in `binDir`.
 *
 * Throws a `KubeletError` with code `invalid` that names the file and the field.
 */
export async function loadProviders(
  path: string,
  binDir: string,
): Promise<readonly CredentialProvider[]> {
  const providers: CredentialProvider[] = [];
  for (const file of await configFiles(path)) {
    const fail = (state: string): never => refuse(file, state);
    const text = await Deno.readTextFile(file).catch((error) => fail(messageOf(error)));
    const { parse } = await import("yaml");
    let body: unknown;
    try {
      body = parse(text);
    } catch (error) {
      fail(messageOf(error));
    }
    providers.push(...readConfig(body, fail));
  }
  const names = providers.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) refuse(path, `provider "${twice}" is named twice`);
  for (const { name } of providers) await checkProgram(join(binDir, name), path);
  return providers;
}

/** Reads one configuration. `fail` is told what is wrong, and throws. */
export function readConfig(
  body: unknown,
  fail: (state: string) => never,
): readonly CredentialProvider[] {
  const config = new Fields(body, "", fail);
  if (
    config.text("kind") !== "CredentialProviderConfig" ||
    !CONFIG_VERSIONS.test(config.text("apiVersion"))
  ) fail("it is no CredentialProviderConfig of kubelet.config.k8s.io/v1");
  const providers = config.list("providers", (entry, at) => readProvider(entry, at, fail));
  config.end();
  return providers.length > 0 ? providers : fail("providers must have at least one entry");
}

function readProvider(
  entry: unknown,
  at: string,
  fail: (state: string) => never,
): CredentialProvider {
  const fields = new Fields(entry, at, fail);
  const name = fields.text("name");
  if (name === "" || name === "." || name === ".." || /[/\\ ]/.test(name)) {
    fail(`${at}.name "${name}" must be the name of a program, without "/" and spaces`);
  }
  const apiVersion = fields.text("apiVersion");
  if (!PROVIDER_VERSIONS.test(apiVersion)) {
    fail(`${at}.apiVersion "${apiVersion}" must be ${TOKEN_VERSION}`);
  }
  const matchImages = fields.texts("matchImages");
  if (matchImages.length === 0) fail(`${at}.matchImages must have at least one entry`);
  const attributes = fields.take("tokenAttributes");
  const token = attributes === undefined
    ? undefined
    : readTokenAttributes(attributes, `${at}.tokenAttributes`, fail);
  if (token !== undefined && apiVersion !== TOKEN_VERSION) {
    fail(`${at}.tokenAttributes needs apiVersion ${TOKEN_VERSION}`);
  }
  const provider = {
    name,
    matchImages,
    defaultCacheMs: fields.duration("defaultCacheDuration"),
    apiVersion,
    args: fields.texts("args"),
    env: Object.fromEntries(fields.list("env", (entry, at) => {
      const variable = new Fields(entry, at, fail);
      const pair = [variable.text("name"), variable.text("value")] as const;
      variable.end();
      return pair;
    })),
    ...(token === undefined ? {} : { token }),
  };
  fields.end();
  return provider;
}

function readTokenAttributes(
  body: unknown,
  at: string,
  fail: (state: string) => never,
): TokenAttributes {
  const fields = new Fields(body, at, fail);
  const audience = fields.text("serviceAccountTokenAudience");
  if (audience === "") fail(`${at}.serviceAccountTokenAudience is missing`);
  const cacheType = fields.text("cacheType");
  if (cacheType !== "ServiceAccount" && cacheType !== "Token") {
    return fail(`${at}.cacheType "${cacheType}" must be ServiceAccount or Token`);
  }
  const required = fields.take("requireServiceAccount");
  if (typeof required !== "boolean") {
    return fail(`${at}.requireServiceAccount must be true or false`);
  }
  const requiredAnnotations = fields.texts("requiredServiceAccountAnnotationKeys");
  const optionalAnnotations = fields.texts("optionalServiceAccountAnnotationKeys");
  if (!required && requiredAnnotations.length > 0) {
    fail(`${at}.requiredServiceAccountAnnotationKeys needs requireServiceAccount true`);
  }
  const keys = [...requiredAnnotations, ...optionalAnnotations];
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) fail(`${at} names annotation "${twice}" twice`);
  fields.end();
  return { audience, cacheType, required, requiredAnnotations, optionalAnnotations };
}

async function configFiles(path: string): Promise<string[]> {
  try {
    const { isDirectory } = await Deno.stat(path);
    if (!isDirectory) return [path];
    const names: string[] = [];
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (!isDirectory && /\.(json|ya?ml)$/.test(name)) names.push(name);
    }
    if (names.length > 0) return names.sort().map((name) => join(path, name));
  } catch (error) {
    refuse(path, messageOf(error));
  }
  return refuse(path, "the folder has no .json, .yaml or .yml file");
}

async function checkProgram(program: string, path: string): Promise<void> {
  const found = await Promise.all(
    [program, `${program}.exe`].map((file) => Deno.stat(file).catch(() => undefined)),
  );
  if (found.some((info) => info?.isFile)) return;
  refuse(path, `provider "${program}" is no program`);
}

function refuse(path: string, state: string): never {
  throw new KubeletError(
    "invalid",
    `Cannot use credential provider configuration "${path}": ${state}; correct it, or start without ` +
      `--image-credential-provider-config`,
  );
}
