/**
 * Amounts of what a node has, as containers and pods ask for them.
 *
 * @module
 */

/** `core/v1` ResourceRequirements. Keys are resources, as `cpu`; values are quantities. */
export interface ResourceRequirements {
  /** The most that the container may use. */
  limits?: Record<string, string>;
  /** The least that the scheduler sets aside. Default: the limit. */
  requests?: Record<string, string>;
}
