/**
 * Credential providers: programs that a kubelet asks for the credentials of an image.
 *
 * The protocol is `credentialprovider.kubelet.k8s.io/v1`: a `CredentialProviderRequest` on stdin, a
 * `CredentialProviderResponse` on stdout; with a service account's token as of KEP-4412.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseDuration } from "../../durations.ts";
import { messageOf } from "../../errors.ts";
import { Flights } from "../flights.ts";
import type { Reference } from "../oci/reference.ts";
import { hostMatches, parsePattern } from "./glob.ts";
import { ANSWER_MS_MAX, ANSWERS_MAX } from "./limits.ts";
import { ask, NoAnswer } from "./program.ts";
import type { CredentialProvider, TokenAttributes } from "./provider_config.ts";

/** The pod that an image is for. */
export interface PullingPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Empty for a pod without one. */
  readonly serviceAccount: string;
}

/** What a provider may be told of service accounts. */
export interface ServiceAccounts {
  /** UID and annotations; rejects if there is none, or this node may not see it. */
  find(
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<{ readonly uid: string; readonly annotations: Readonly<Record<string, string>> }>;
  /** A token for this audience, bound to the pod. */
  token(pod: PullingPod, audience: string, signal: AbortSignal): Promise<string>;
}

/** A provider's answer: entries as those of `auths`, and the service account that they are for. */
export interface Provided {
  readonly auths: Readonly<Record<string, unknown>>;
  readonly account?: { readonly uid: string; readonly namespace: string; readonly name: string };
}

/** Options of a {@linkcode ProviderPlugin}. */
export interface ProviderPluginOptions {
  /** Folder of the program. */
  readonly binDir: string;
  /** Absent where there is no cluster: then a provider that wants a token is asked without one. */
  readonly accounts?: ServiceAccounts | undefined;
  /** Milliseconds of a clock that only goes on. @default {performance.now} */
  nowMs?(): number;
}

interface Account {
  readonly uid: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly token: string;
}

/** One program, and the answers of it that are still good. */
export class ProviderPlugin {
  readonly #provider: CredentialProvider;
  readonly #options: ProviderPluginOptions;
  readonly #answers = new Map<string, { auths: Provided["auths"]; untilMs: number }>();
  readonly #flights = new Flights<Provided["auths"]>();

  constructor(provider: CredentialProvider, options: ProviderPluginOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  /**
   * What the provider has for this image; undefined if it is not to be asked.
   *
   * Throws a {@linkcode NoAnswer} that names the provider and holds nothing secret.
   */
  async provide(
    reference: Reference,
    options: { readonly pod?: PullingPod | undefined; readonly signal: AbortSignal },
  ): Promise<Provided | undefined> {
    if (!isAsked(this.#provider, reference)) return undefined;
    const { pod, signal } = options;
    const account = await this.#account(pod, signal);
    if (account === "unfit") return undefined;
    const image = `${reference.registry}/${reference.repository}`;
    const auths = this.#remembered(reference, keyOf(this.#provider, pod, account)) ??
      await this.#flights.join(
        JSON.stringify([image, account?.annotations, account?.token]),
        signal,
        (signal) => this.#ask(reference, { pod, account, signal }),
      );
    if (account === undefined || pod === undefined) return { auths };
    const { namespace, serviceAccount: name } = pod;
    return { auths, account: { uid: account.uid, namespace, name } };
  }

  /** `unfit` means that the provider is not for pods such as this one. */
  async #account(
    pod: PullingPod | undefined,
    signal: AbortSignal,
  ): Promise<Account | undefined | "unfit"> {
    const { token: wanted } = this.#provider;
    const { accounts } = this.#options;
    if (wanted === undefined) return undefined;
    if (accounts === undefined || pod === undefined || pod.serviceAccount === "") {
      return wanted.required ? "unfit" : undefined;
    }
    try {
      const { uid, annotations } = await accounts.find(pod.namespace, pod.serviceAccount, signal);
      const chosen = chooseAnnotations(wanted, annotations);
      if (chosen === undefined) return "unfit";
      const token = await accounts.token(pod, wanted.audience, signal);
      return { uid, annotations: chosen, token };
    } catch (error) {
      signal.throwIfAborted();
      const { namespace, serviceAccount } = pod;
      return this.#fail(`service account "${namespace}/${serviceAccount}": ${messageOf(error)}`);
    }
  }

  async #ask(
    reference: Reference,
    { pod, account, signal }: {
      readonly pod: PullingPod | undefined;
      readonly account: Account | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<Provided["auths"]> {
    const { name, args, env, apiVersion, token } = this.#provider;
    const request = {
      apiVersion,
      kind: "CredentialProviderRequest",
      image: `${reference.registry}/${reference.repository}`,
      ...(account === undefined ? {} : {
        serviceAccountToken: account.token,
        serviceAccountAnnotations: account.annotations,
      }),
    };
    const program = join(this.#options.binDir, name);
    const answer = await ask({ program, args, env, stdin: JSON.stringify(request), signal })
      .catch((error) => {
        if (error instanceof NoAnswer) return this.#fail(error.message);
        throw error;
      });
    if (answer.code !== 0) {
      const words = answer.words === "" ? "" : `: ${answer.words}`;
      this.#fail(`it ended with code ${answer.code}${words}`);
    }
    const response = readResponse(answer.stdout, apiVersion);
    if (typeof response === "string") return this.#fail(response);
    if (token?.cacheType === "ServiceAccount" && account !== undefined) {
      const echoes = Object.values(response.auths)
        .some((entry) => Object(entry)["password"] === account.token);
      if (echoes) this.#fail("it gives the pod's token back, which needs cacheType Token");
    }
    this.#remember(reference, response, keyOf(this.#provider, pod, account));
    return response.auths;
  }

  #remembered(reference: Reference, owner: string): Provided["auths"] | undefined {
    const nowMs = this.#nowMs();
    for (const type of CACHE_KEY_TYPES) {
      const found = this.#answers.get(`${cacheKey(type, reference)} ${owner}`);
      if (found !== undefined && found.untilMs > nowMs) return found.auths;
    }
    return undefined;
  }

  #remember(reference: Reference, response: Response, owner: string): void {
    const cacheMs = response.cacheMs ?? this.#provider.defaultCacheMs;
    if (cacheMs <= 0) return;
    const key = `${cacheKey(response.cacheKeyType, reference)} ${owner}`;
    this.#answers.delete(key);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size >= ANSWERS_MAX && oldest !== undefined) this.#answers.delete(oldest);
    const untilMs = this.#nowMs() + Math.min(cacheMs, ANSWER_MS_MAX);
    this.#answers.set(key, { auths: response.auths, untilMs });
  }

  #fail(state: string): never {
    throw new NoAnswer(`credential provider "${this.#provider.name}" has failed: ${state}`);
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? performance.now();
  }
}

/** True if one of the provider's patterns stands for the image. Its path is a plain prefix. */
export function isAsked({ matchImages }: CredentialProvider, reference: Reference): boolean {
  return matchImages.some((text) => {
    const { host, path } = parsePattern(text);
    return hostMatches(host, reference.registry) && reference.repository.startsWith(path);
  });
}

/** The annotations that a provider gets; undefined if one that it requires is not there. */
function chooseAnnotations(
  { requiredAnnotations, optionalAnnotations }: TokenAttributes,
  annotations: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  if (!requiredAnnotations.every((key) => Object.hasOwn(annotations, key))) return undefined;
  const keys = [...requiredAnnotations, ...optionalAnnotations].sort();
  return Object.fromEntries(
    keys.flatMap((key) => Object.hasOwn(annotations, key) ? [[key, annotations[key]!]] : []),
  );
}

/** Whom an answer is good for: everybody, a service account, or one token of it. */
function keyOf(
  { token }: CredentialProvider,
  pod: PullingPod | undefined,
  account: Account | undefined,
): string {
  if (account === undefined) return "";
  const whose = [pod?.namespace, pod?.serviceAccount, account.uid, account.annotations];
  // The token itself is secret and long.
  const hash = createHash("sha256").update(account.token).digest("hex");
  return JSON.stringify(token?.cacheType === "Token" ? [...whose, hash] : whose);
}

const CACHE_KEY_TYPES = ["Image", "Registry", "Global"] as const;

function cacheKey(type: typeof CACHE_KEY_TYPES[number], reference: Reference): string {
  const { registry, repository } = reference;
  return { Image: `image ${registry}/${repository}`, Registry: `registry ${registry}`, Global: "" }[
    type
  ];
}

interface Response {
  readonly auths: Readonly<Record<string, unknown>>;
  readonly cacheKeyType: typeof CACHE_KEY_TYPES[number];
  readonly cacheMs: number | undefined;
}

/** Reads an answer; what is wrong with it comes back as a text that quotes nothing of it. */
function readResponse(text: string, apiVersion: string): Response | string {
  let body: Record<string, unknown>;
  try {
    body = Object(JSON.parse(text));
  } catch {
    // The text is secret, and a JSON error quotes it.
    return "its answer is not JSON";
  }
  if (body["kind"] !== "CredentialProviderResponse" || body["apiVersion"] !== apiVersion) {
    return `its answer is no CredentialProviderResponse of ${apiVersion}`;
  }
  const cacheKeyType = CACHE_KEY_TYPES.find((type) => type === body["cacheKeyType"]);
  if (cacheKeyType === undefined) return "its cacheKeyType must be Image, Registry or Global";
  const auths = body["auth"] ?? {};
  if (typeof auths !== "object" || Array.isArray(auths)) return "its auth must be an object";
  try {
    const duration = body["cacheDuration"] ?? undefined;
    const cacheMs = duration === undefined ? undefined : parseDuration(String(duration));
    return { auths: auths as Record<string, unknown>, cacheKeyType, cacheMs };
  } catch {
    return "its cacheDuration must be a duration as 10m";
  }
}
