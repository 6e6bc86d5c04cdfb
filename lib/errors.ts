/**
 * Error codes, named for what the reader of the error does next.
 *
 * @module
 */

/**
 * - `rejected`: the pod can never run on this node; say so once and stop.
 * - `invalid`: what a person wrote is wrong (a flag, a manifest, a file); tell the person.
 * - `image_pull`: the image could not be had; try again, slower. Kubelet reason `ErrImagePull`.
 * - `image_name`: the reference cannot be parsed. Kubelet reason `InvalidImageName`.
 * - `image_never`: not present, and the policy forbids pulling. Kubelet reason `ErrImageNeverPull`.
 * - `container_config`: an env source or mount of the container is missing. Kubelet reason
 *   `CreateContainerConfigError`; try again.
 * - `entrypoint`: the image holds no such program; the container has ended with `StartError`, and its
 *   restart policy decides.
 * - `container_start`: the machine could not start the container's process (no memory, no descriptors);
 *   nothing of the guest has run. Kubelet reason `CreateContainerError`; try again.
 * - `no_container`: whoever asks for something in a container names one that does not run; tell them.
 * - `too_many`: a limit of this node is reached; whoever asks may try again later.
 * - `volume`: a volume could not be set up; try again. Kubelet reason `FailedMount`.
 * - `network`: a pod cannot have an address now; try again. Kubelet reason `FailedCreatePodSandBox`.
 */
export type ErrorCode =
  | "rejected"
  | "invalid"
  | "image_pull"
  | "image_name"
  | "image_never"
  | "container_config"
  | "entrypoint"
  | "container_start"
  | "no_container"
  | "too_many"
  | "volume"
  | "network";

/** An error that the kubelet knows how to react to. Any other error is a defect. */
export class KubeletError extends Error {
  /** Always `KubeletError`. */
  override readonly name = "KubeletError";
  /** What the reader does next. */
  readonly code: ErrorCode;
  /** A stable one-word reason for people and scripts, as in `status.reason`. */
  readonly reason: string | undefined;

  /** The message is a sentence: `Cannot <verb> <thing> "<value>": <state>`, and what to do. */
  constructor(code: ErrorCode, message: string, options: ErrorOptions & { reason?: string } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.reason = options.reason;
  }
}

/** True if `error` is a {@linkcode KubeletError} with this code. */
export function isKubeletError(error: unknown, code: ErrorCode): error is KubeletError {
  return error instanceof KubeletError && error.code === code;
}

/** The message of anything that was thrown, with its causes behind it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  let text = error.message;
  let { cause } = error;
  for (let depth = 0; depth < CAUSES_MAX && cause !== undefined && cause !== null; depth++) {
    const more = cause instanceof Error ? cause.message : String(cause);
    // Whoever wraps an error often quotes it: said once is enough.
    if (!text.includes(more)) text += `: ${more}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return text;
}

/** Causes that are told; an error may be its own cause. */
const CAUSES_MAX = 8;
