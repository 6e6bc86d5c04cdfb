/**
 * How a pod wants to be run: from its RuntimeClass to one of the backend's handlers.
 *
 * @module
 */
import type { ObjectSource } from "../api/object_source.ts";
import type { Pod } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import type { Provider } from "../provider.ts";
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";

/** First and longest pause before a RuntimeClass is asked for again. */
const RETRY_MS = { first: 1_000, max: 10_000 };

/** Where RuntimeClasses and handlers are found. */
export interface HandlerSources {
  readonly objects: Pick<ObjectSource, "runtimeClass">;
  readonly provider: Pick<Provider, "handlers">;
  readonly signal: AbortSignal;
}

/**
 * The handler that the pod's `runtimeClassName` leads to; `undefined` if it has none. With no cluster
 * to ask, the name is the handler itself.
 *
 * Throws a {@linkcode KubeletError} with code `container_start` if there is no such RuntimeClass, or the
 * backend has no such handler; both may appear later.
 */
export async function runtimeHandlerOf(
  pod: Pod,
  { objects, provider, signal }: HandlerSources,
): Promise<string | undefined> {
  const name = pod.spec?.runtimeClassName;
  if (name === undefined || name === "") return undefined;
  const found = objects.runtimeClass === undefined
    ? { handler: name }
    : await objects.runtimeClass(name, signal);
  if (found === undefined) {
    throw new KubeletError("container_start", `RuntimeClass "${name}" not found`);
  }
  const handlers = provider.handlers ?? [];
  if (handlers.includes(found.handler)) return found.handler;
  const known = handlers.length === 0 ? "it has none" : `it has ${handlers.join(", ")}`;
  throw new KubeletError(
    "container_start",
    `No runtime for handler "${found.handler}" of RuntimeClass "${name}" on this node: ${known}`,
  );
}

/**
 * Finds the pod's handler, however long that takes: like a kubelet, tells `FailedCreatePodSandBox` and
 * tries again. False if the pod was told to end meanwhile.
 */
export async function settleRuntimeHandler(context: PodContext): Promise<boolean> {
  const { services: { objects, provider }, ending: { stop: signal } } = context;
  for (let pauseMs = RETRY_MS.first;; pauseMs = Math.min(pauseMs * 2, RETRY_MS.max)) {
    try {
      context.runtimeHandler = await runtimeHandlerOf(context.pod, { objects, provider, signal });
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const message = `Failed to create pod sandbox: ${messageOf(error)}`;
      context.tell("Warning", "FailedCreatePodSandBox", message);
      await context.changed();
    }
    if (!await sleep(pauseMs, signal)) return false;
  }
}
