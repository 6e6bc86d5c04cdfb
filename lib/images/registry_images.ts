/**
 * Images of registries: whether one that is here may be used, and else its pull.
 *
 * @module
 */
import type { Secret } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { Assembler } from "./assemble.ts";
import type { Keyring } from "./credentials/keyring.ts";
import type { Found } from "./credentials/node_config.ts";
import type { PullingPod } from "./credentials/provider.ts";
import { NODE, type TrackedCredential } from "./credentials/tracked.ts";
import {
  type ImageAccess,
  needsProof,
  provenBy,
  type Verification,
  withOwner,
} from "./credentials/verification.ts";
import { Flights } from "./flights.ts";
import { PROGRESS_MS, PULL_MS_MAX } from "./limits.ts";
import { fingerprint } from "./oci/credential.ts";
import { PullFailure } from "./oci/failure.ts";
import { formatReference, type Reference } from "./oci/reference.ts";
import { type Puller, PullProgress } from "./pull.ts";
import type { PullGate } from "./pull_gate.ts";
import { defaultPullPolicy } from "./pull_policy.ts";
import type { Admission, ImageGuard } from "./signing/guard.ts";
import type { ImagePurpose } from "./store/image_record.ts";
import type { ImageRecord, ReferenceIndex } from "./store/reference_index.ts";

/** `imagePullPolicy` of a container. */
export type PullPolicy = "Always" | "IfNotPresent" | "Never";

/** What is wanted, by whom. */
export interface RegistryRequest {
  readonly purpose: ImagePurpose;
  readonly policy?: PullPolicy | undefined;
  readonly secrets: readonly Secret[];
  readonly pod?: PullingPod | undefined;
  readonly signal: AbortSignal;
  /** The registry is about to be asked, for this caller or for another that wants the same. */
  onPull?(): void;
  /** Told every `progressMs` of a pull that takes longer. */
  onProgress?(progress: PullProgress): void;
  /** Milliseconds between two words about a pull. @default {PROGRESS_MS} */
  readonly progressMs?: number;
}

/** An image that is in the store, and may be used by whoever asked. */
export interface Gotten {
  readonly record: ImageRecord;
  /** True if the registry was asked, even if it then had nothing new. */
  readonly pulled: boolean;
  /** Wall time of the pull in milliseconds, without the wait for its turn; 0 if there was none. */
  readonly pullMs: number;
}

/** Options of {@linkcode RegistryImages}. */
export interface RegistryImagesOptions {
  readonly puller: Puller;
  readonly assembler: Assembler;
  readonly index: ReferenceIndex;
  readonly keyring: Keyring;
  readonly gate: PullGate;
  readonly verification: Verification;
  /** Says which images are wanted here at all. @default {all} */
  readonly guard?: ImageGuard | undefined;
}

/** Finds and pulls images. Failures are `PullFailure`s, or `KubeletError`s where they say more. */
export class RegistryImages {
  readonly #options: RegistryImagesOptions;
  readonly #pulls = new Flights<Omit<Gotten, "pulled">>();
  readonly #progress = new Map<string, PullProgress>();

  constructor(options: RegistryImagesOptions) {
    this.#options = options;
  }

  /** Makes sure that the image is in the store as the policy says, and that it may be used. */
  async get(reference: Reference, request: RegistryRequest): Promise<Gotten> {
    const { purpose, signal } = request;
    const policy = request.policy ?? defaultPullPolicy(reference);
    const admission = await this.#options.guard?.admit(reference);
    let finding: Promise<Found> | undefined;
    const find = (): Promise<Found> => finding ??= this.#options.keyring.find(reference, request);
    const known = await this.#present(reference, { purpose, signal });
    const usable = known !== undefined && policy !== "Always" &&
      await this.#mayUse(known, { reference, admission, find, signal });
    switch (decidePull(policy, usable)) {
      case "use":
        return { record: known!, pulled: false, pullMs: 0 };
      case "refuse":
        // An image that the pod has no right to is not even said to be here.
        throw new KubeletError(
          "image_never",
          `Cannot use image "${formatReference(reference)}": it is not on this node, and ` +
            `imagePullPolicy Never forbids to pull it; bring it there by krustlet pull, or allow ` +
            `IfNotPresent`,
        );
      case "pull":
        return await this.#join(reference, { ...request, ...await find(), admission });
    }
  }

  /** Stops all pulls and waits until they have ended. */
  async stop(reason: unknown): Promise<void> {
    await this.#pulls.stop(reason);
  }

  /** What the index knows of this reference, if all of it is here and sound. */
  async #present(
    reference: Reference,
    { purpose, signal }: { readonly purpose: ImagePurpose; readonly signal: AbortSignal },
  ): Promise<ImageRecord | undefined> {
    const { index, assembler } = this.#options;
    const record = await index.find(reference, purpose);
    if (record === undefined || !await assembler.isPresent(record, signal)) return undefined;
    return { ...record, image: formatReference(reference) };
  }

  /** May an image that is here be used, without asking its registry again? */
  async #mayUse(
    { imageId }: ImageRecord,
    { reference, admission, find, signal }: {
      readonly reference: Reference;
      readonly admission: Admission | undefined;
      readonly find: () => Promise<Found>;
      readonly signal: AbortSignal;
    },
  ): Promise<boolean> {
    const { index, verification } = this.#options;
    const { access, signed } = await index.all();
    signal.throwIfAborted();
    if (admission !== undefined && admission.marker !== signed.get(imageId)) return false;
    const known = access.get(imageId);
    if (!needsProof(verification, reference, known)) return true;
    if (provenBy(known, [])) return true;
    const owners = (await find()).credentials.map(({ owner }) => owner);
    const proven = provenBy(known, owners.filter(({ kind }) => kind !== "node"));
    if (proven !== undefined) await this.#remember(imageId, known, proven);
    return proven !== undefined;
  }

  /** The same right under another name, or with another credential, is known the next time. */
  async #remember(
    imageId: string,
    known: ImageAccess | undefined,
    owner: TrackedCredential["owner"],
  ): Promise<void> {
    if (known === undefined || withOwner(known, owner) === known) return;
    await this.#options.index.change((state) => ({
      ...state,
      access: new Map(state.access).set(imageId, withOwner(state.access.get(imageId), owner)),
    }));
  }

  async #join(
    reference: Reference,
    options: RegistryRequest & Found & { readonly admission: Admission | undefined },
  ): Promise<Gotten> {
    const { purpose, credentials, troubles, admission, onProgress } = options;
    options.onPull?.();
    const prints = credentials.map(({ credential }) => fingerprint(credential));
    const key = [purpose, formatReference(reference), ...prints].join(" ");
    const timer = setInterval(() => {
      const progress = this.#progress.get(key);
      if (progress !== undefined) onProgress?.(progress);
    }, options.progressMs ?? PROGRESS_MS);
    try {
      const gotten = await this.#pulls.join(key, options.signal, async (signal) => {
        const progress = new PullProgress();
        this.#progress.set(key, progress);
        try {
          return await this.#options.gate.pass(signal, () => {
            return this.#pull(reference, { purpose, credentials, admission, progress, signal });
          });
        } finally {
          this.#progress.delete(key);
        }
      });
      return { ...gotten, pulled: true };
    } catch (error) {
      if (!isDenied(error) || troubles.length === 0) throw error;
      throw new PullFailure(`${error.state} (${troubles.join("; ")})`, { ...error, cause: error });
    } finally {
      clearInterval(timer);
    }
  }

  /** Tries the credentials in turn, as the kubelet does; without any, anonymously. */
  async #pull(
    reference: Reference,
    options: {
      readonly purpose: ImagePurpose;
      readonly credentials: readonly TrackedCredential[];
      readonly admission: Admission | undefined;
      readonly progress: PullProgress;
      readonly signal: AbortSignal;
    },
  ): Promise<Omit<Gotten, "pulled">> {
    const { purpose, credentials, admission, progress } = options;
    const fromMs = performance.now();
    const late = new AbortController();
    const timer = setTimeout(() => {
      const state =
        `it took more than ${PULL_MS_MAX / 60_000} minutes; make it smaller, or bring it ` +
        `by krustlet pull from nearer by`;
      late.abort(new PullFailure(state));
    }, PULL_MS_MAX);
    const signal = AbortSignal.any([options.signal, late.signal]);
    try {
      // Only now: another pull may have brought it since this one was decided on.
      const known = await this.#present(reference, { purpose, signal });
      for (let i = 0;; i++) {
        try {
          const tracked = credentials[i];
          const credential = tracked?.credential;
          const record = await this.#options.puller.pull(reference, {
            credential,
            known,
            purpose,
            progress,
            signal,
          });
          await admission?.check({ imageId: record.imageId, credential, signal });
          await this.#options.index.put(record, {
            owner: tracked?.owner ?? NODE,
            signed: admission?.marker,
          });
          return { record, pullMs: performance.now() - fromMs };
        } catch (error) {
          if (i + 1 >= credentials.length || !isDenied(error)) throw error;
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What the policy says to do. Touches nothing. */
export function decidePull(policy: PullPolicy, usable: boolean): "use" | "pull" | "refuse" {
  if (policy === "Always") return "pull";
  if (usable) return "use";
  return policy === "Never" ? "refuse" : "pull";
}

/** Another credential may see what this one does not; many registries call that "not found". */
function isDenied(error: unknown): error is PullFailure {
  return error instanceof PullFailure && [401, 403, 404].includes(error.status ?? 0);
}
