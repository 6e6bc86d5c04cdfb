/**
 * Has a container's image on disk before it starts: pull, wait, try again.
 *
 * @module
 */
import type { Container, Pod, Secret } from "../api/types.ts";
import { isKubeletError, KubeletError, messageOf } from "../errors.ts";
import type { ImageOnDisk, ImageRequest } from "../images/images.ts";
import { sleep } from "../time.ts";
import { BACKOFF_FIRST_MS, BACKOFF_MS_MAX } from "./backoff.ts";
import { podReference } from "./places.ts";
import type { ContainerServices } from "./services.ts";

/** What {@linkcode ensureImage} works for. */
export interface PullTask {
  pod(): Pod;
  readonly spec: Container;
  readonly fieldPath: string;
  /** Says what the container waits for. */
  waiting(reason: string, message: string): void;
  /** Ends all waiting. */
  readonly stop: AbortSignal;
}

/** How long an `ErrImagePull` stands before it is called a back-off. */
const ERROR_SHOWN_MS = 1_000;

/**
 * Pulls until the image is there.
 *
 * @returns the image, or `undefined` if the container was stopped meanwhile. Throws a
 * {@linkcode KubeletError} with code `rejected` for an image that can never run here.
 */
export async function ensureImage(
  services: ContainerServices,
  task: PullTask,
): Promise<ImageOnDisk | undefined> {
  let backoffMs = BACKOFF_FIRST_MS;
  for (;;) {
    try {
      return await pullOnce(services, task);
    } catch (error) {
      if (task.stop.aborted) return undefined;
      if (error instanceof KubeletError && error.reason === "UnsupportedImage") {
        throw new KubeletError("rejected", error.message, { reason: error.reason });
      }
      if (!await backOff(services, task, { error, backoffMs })) return undefined;
    }
    backoffMs = Math.min(backoffMs * 2, BACKOFF_MS_MAX);
  }
}

async function pullOnce(services: ContainerServices, task: PullTask): Promise<ImageOnDisk> {
  const { images, events, observer } = services;
  const pod = task.pod();
  const object = podReference(pod, task.fieldPath);
  const image = task.spec.image ?? "";
  const secrets = await pullSecrets(services, { pod, signal: task.stop });
  const policy = task.spec.imagePullPolicy;
  const found = await images.ensure(
    { image, secrets, pod: pullingPod(pod), ...(policy === undefined ? {} : { policy }) },
    {
      signal: task.stop,
      onPull: () => {
        events.tell({
          object,
          type: "Normal",
          reason: "Pulling",
          message: `Pulling image "${image}"`,
        });
      },
      onProgress: ({ doneBytes, totalBytes }) => {
        events.tell({
          object,
          type: "Normal",
          reason: "Pulling",
          message: `Pulling image "${image}": ${mebibytes(doneBytes)} of ${mebibytes(totalBytes)}`,
        });
      },
    },
  );
  if (found.pulled) {
    observer?.imagePulled(pod.metadata?.uid ?? "", { ms: found.pullMs, bytes: found.sizeBytes });
  }
  const message = found.pulled
    ? `Successfully pulled image "${image}" in ${seconds(found.pullMs)} \
(${seconds(found.tookMs)} including waiting). Image size: ${found.sizeBytes} bytes.`
    : `Container image "${image}" already present on machine and can be accessed by the pod`;
  events.tell({ object, type: "Normal", reason: "Pulled", message });
  return found;
}

async function backOff(
  { events }: ContainerServices,
  task: PullTask,
  { error, backoffMs }: { error: unknown; backoffMs: number },
): Promise<boolean> {
  const object = podReference(task.pod(), task.fieldPath);
  const image = task.spec.image ?? "";
  // Its causes say the same again, in the words of the client and of the runtime.
  const message = error instanceof KubeletError ? error.message : messageOf(error);
  const warn = (reason: string, text: string): void =>
    events.tell({ object, type: "Warning", reason, message: text });
  const reason = waitingReason(error);
  task.waiting(reason, message);
  const isPull = PULL_REASONS.has(reason);
  if (isPull) warn("Failed", `Failed to pull image "${image}": ${message}`);
  else warn("Failed", message);
  warn("Failed", `Error: ${reason}`);
  if (!isPull) return await sleep(backoffMs, task.stop);
  if (!await sleep(ERROR_SHOWN_MS, task.stop)) return false;
  task.waiting("ImagePullBackOff", `Back-off pulling image "${image}": ${reason}: ${message}`);
  events.tell({
    object,
    type: "Normal",
    reason: "BackOff",
    message: `Back-off pulling image "${image}"`,
  });
  return await sleep(backoffMs - ERROR_SHOWN_MS, task.stop);
}

function waitingReason(error: unknown): string {
  if (isKubeletError(error, "image_name")) return "InvalidImageName";
  if (isKubeletError(error, "image_never")) return "ErrImageNeverPull";
  const named = error instanceof KubeletError ? error.reason : undefined;
  return named !== undefined && PULL_REASONS.has(named) ? named : "ErrImagePull";
}

/** What a kubelet says of a pull that has failed, until it backs off. */
const PULL_REASONS: ReadonlySet<string> = new Set([
  "ErrImagePull",
  "RegistryUnavailable",
  "SignatureValidationFailed",
]);

/** Whom an image is for. A static pod has no service account. */
export function pullingPod({ metadata, spec }: Pod): NonNullable<ImageRequest["pod"]> {
  const { namespace = "default", name = "", uid = "" } = metadata ?? {};
  return { namespace, name, uid, serviceAccount: spec?.serviceAccountName ?? "" };
}

/** The pull secrets that the pod names, as far as they exist; an Event tells of the others. */
export async function pullSecrets(
  { objects, events }: Pick<ContainerServices, "objects" | "events">,
  { pod, signal }: { readonly pod: Pod; readonly signal: AbortSignal },
): Promise<Secret[]> {
  const namespace = pod.metadata?.namespace ?? "default";
  const names = (pod.spec?.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []);
  const secrets: Secret[] = [];
  for (const name of names) {
    const secret = await objects.secret(namespace, name, signal);
    if (secret !== undefined) secrets.push(secret);
    else {
      events.tell({
        object: podReference(pod),
        type: "Warning",
        reason: "FailedToRetrieveImagePullSecret",
        message: `Unable to retrieve image pull secret "${name}": it does not exist in namespace \
"${namespace}"; the image is pulled without it.`,
      });
    }
  }
  return secrets;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(3)}s`;
}
