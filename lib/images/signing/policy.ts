/**
 * The image policy: a file that says which images this node takes, and which must be signed by whom.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { KubeletError, messageOf } from "../../errors.ts";
import { hostMatches, type ImagePattern, parsePattern } from "../credentials/glob.ts";
import { parseReference, type Reference } from "../oci/reference.ts";
import { Fields } from "../strict_fields.ts";
import { parsePublicKey, type PublicKey } from "./keys.ts";

/** Images that must be signed by one of these keys. */
export interface SignedRule {
  readonly action: "signed";
  readonly keys: readonly PublicKey[];
  /** The name that the signature must bear, if it is not the image's own: for copies and mirrors. */
  readonly signedAs?: string;
}

/** What is done with an image. */
export type Rule = { readonly action: "accept" } | { readonly action: "reject" } | SignedRule;

/** Rules in their order: the first whose patterns stand for an image decides. */
export interface ImagePolicy {
  readonly rules: readonly { readonly images: readonly ImagePattern[]; readonly rule: Rule }[];
  /** For an image that no rule names. */
  readonly otherwise: Rule;
}

/** What the policy does with this image. Touches nothing. */
export function ruleFor({ rules, otherwise }: ImagePolicy, reference: Reference): Rule {
  const found = rules.find(({ images }) => images.some((pattern) => stands(pattern, reference)));
  return found?.rule ?? otherwise;
}

/** Bytes of a policy file: thousands of rules with their keys. */
const POLICY_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads a policy file, in YAML or JSON.
 *
 * Throws a `KubeletError` with code `invalid` that names the file and the field.
 */
export async function loadPolicy(path: string): Promise<ImagePolicy> {
  const fail = (state: string): never => {
    throw new KubeletError("invalid", `Cannot use image policy "${path}": ${state}; correct it`);
  };
  try {
    if ((await Deno.stat(path)).size > POLICY_BYTES_MAX) {
      fail(`it has more than ${POLICY_BYTES_MAX} bytes, the limit`);
    }
    const { parse } = await import("yaml");
    const body: unknown = parse(await Deno.readTextFile(path));
    return await readPolicy(body, {
      readKey: (file) => Deno.readTextFile(resolve(dirname(path), file)),
      fail,
    });
  } catch (error) {
    if (error instanceof KubeletError) throw error;
    return fail(messageOf(error));
  }
}

/** Reads a policy. `fail` is told what is wrong, and throws. */
export async function readPolicy(
  body: unknown,
  { readKey, fail }: {
    readonly readKey: (file: string) => Promise<string>;
    readonly fail: (state: string) => never;
  },
): Promise<ImagePolicy> {
  const fields = new Fields(body, "", fail);
  const otherwise = fields.text("default");
  if (otherwise !== "accept" && otherwise !== "reject") {
    return fail(`default "${otherwise}" must be accept or reject`);
  }
  const rules = fields.list("rules", (entry, at) => readRule(entry, { at, readKey, fail }));
  fields.end();
  return { rules: await Promise.all(rules), otherwise: { action: otherwise } };
}

async function readRule(
  entry: unknown,
  { at, readKey, fail }: {
    readonly at: string;
    readonly readKey: (file: string) => Promise<string>;
    readonly fail: (state: string) => never;
  },
): Promise<ImagePolicy["rules"][number]> {
  const fields = new Fields(entry, at, fail);
  const images = fields.texts("images").map(parsePattern);
  if (images.length === 0) fail(`${at}.images must have at least one entry`);
  const action = fields.text("action");
  const keyTexts = fields.texts("keys");
  const keyFiles = fields.texts("keyFiles");
  const signedAs = fields.text("signedAs");
  fields.end();
  if (action === "accept" || action === "reject") {
    if (keyTexts.length + keyFiles.length > 0 || signedAs !== "") {
      fail(`${at}: keys, keyFiles and signedAs are for action signed`);
    }
    return { images, rule: { action } };
  }
  if (action !== "signed") return fail(`${at}.action "${action}" must be accept, reject or signed`);
  const texts = [...keyTexts, ...await Promise.all(keyFiles.map(readKey))];
  if (texts.length === 0) fail(`${at} must have a key in keys or keyFiles`);
  const keys = await Promise.all(texts.map((text) =>
    parsePublicKey(text).catch((error) => {
      return fail(`${at} has a key that cannot be used: ${messageOf(error)}`);
    })
  ));
  return {
    images,
    rule: { action, keys, ...(signedAs === "" ? {} : { signedAs: nameOf(signedAs) }) },
  };
}

/** `registry/repository`, with what people leave out. */
function nameOf(text: string): string {
  const { registry, repository } = parseReference(text);
  return `${registry}/${repository}`;
}

/** A star alone stands for every image; else host by parts, and whole parts of the path. */
function stands({ host, path }: ImagePattern, { registry, repository }: Reference): boolean {
  if (host === "*" && path === "") return true;
  const plain = path.replace(/\/+$/, "");
  return hostMatches(host, registry) && (plain === "" || `${repository}/`.startsWith(`${plain}/`));
}
