/**
 * What one attempt of a probe or a hook came to.
 *
 * @module
 */

/** `warning` counts as a success that a person should hear of; `error` says nothing of the container. */
export interface Outcome {
  readonly result: "success" | "warning" | "failure" | "error";
  /** The answer, or what was wrong; empty for a plain success. */
  readonly message: string;
}

/** A good answer. */
export const SUCCESS: Outcome = { result: "success", message: "" };

/** A bad answer. */
export function failure(message: string): Outcome {
  return { result: "failure", message };
}
