import type { Pod } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import type { ImageFolders } from "../images/images.ts";
import type { ImageFiles } from "../volumes/source.ts";
import { BACKOFF_FIRST_MS, BACKOFF_MS_MAX } from "./backoff.ts";
import { pullingPod, pullSecrets } from "./image_pull.ts";
import { podReference } from "./places.ts";
import type { ContainerServices } from "./services.ts";

/** What {@linkcode ImageVolumes} needs. */
export interface ImageVolumesOptions extends Pick<ContainerServices, "objects" | "events"> {
  readonly images: ImageFolders;
  /** Milliseconds of a clock that only goes on. @default {performance.now} */
  readonly nowMs?: () => number;
}

interface Failure {
  readonly error: unknown;
  readonly backoffMs: number;
  readonly untilMs: number;
}

/** Failures that are remembered; a pod that is gone leaves its own behind. */
const FAILURES_MAX = 1_000;

/**
 * The files of images for volumes, with a pod's own rights to pull. A pull that has failed is not tried
 * again before its time, however often it is asked for: registries count.
 */
export class ImageVolumes implements ImageFiles {
  readonly #options: ImageVolumesOptions;
  readonly #nowMs: () => number;
  readonly #failures = new Map<string, Failure>();

  constructor(options: ImageVolumesOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** See {@linkcode ImageFiles}. An image that can never be unpacked here rejects with code `rejected`. */
  async files(
    wanted: Parameters<ImageFiles["files"]>[0],
    { pod, signal }: { readonly pod: Pod; readonly signal: AbortSignal },
  ): Promise<{ readonly path: string; readonly imageId: string }> {
    const key = `${pod.metadata?.uid} ${wanted.reference}`;
    const last = this.#failures.get(key);
    if (last !== undefined && this.#nowMs() < last.untilMs) {
      throw new KubeletError(
        "image_pull",
        `Back-off pulling image "${wanted.reference}": ${messageOf(last.error)}`,
        { cause: last.error },
      );
    }
    try {
      const folder = await this.#pull(wanted, { pod, signal });
      this.#failures.delete(key);
      return folder;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof KubeletError && error.reason === "UnsupportedImage") {
        throw new KubeletError("rejected", error.message, { reason: error.reason, cause: error });
      }
      this.#remember(key, { error, last });
      throw error;
    }
  }

  async #pull(
    { reference: image, pullPolicy: policy }: Parameters<ImageFiles["files"]>[0],
    { pod, signal }: { readonly pod: Pod; readonly signal: AbortSignal },
  ): Promise<{ readonly path: string; readonly imageId: string }> {
    const { images, events } = this.#options;
    const tell = (reason: string, message: string): void =>
      events.tell({ object: podReference(pod), type: "Normal", reason, message });
    const secrets = await pullSecrets(this.#options, { pod, signal });
    const request = { image, secrets, pod: pullingPod(pod) };
    const { path, imageId, pulled } = await images.folder(
      policy === undefined ? request : { ...request, policy },
      { signal, onPull: () => tell("Pulling", `Pulling image "${image}"`) },
    );
    if (pulled) tell("Pulled", `Successfully pulled image "${image}" for a volume`);
    return { path, imageId };
  }

  #remember(
    key: string,
    { error, last }: { readonly error: unknown; readonly last: Failure | undefined },
  ): void {
    const backoffMs = last === undefined
      ? BACKOFF_FIRST_MS
      : Math.min(last.backoffMs * 2, BACKOFF_MS_MAX);
    this.#failures.delete(key);
    this.#failures.set(key, { error, backoffMs, untilMs: this.#nowMs() + backoffMs });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > FAILURES_MAX && oldest !== undefined) this.#failures.delete(oldest);
  }
}
