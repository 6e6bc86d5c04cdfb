import type { KubeObject } from "./meta.ts";

/** A way in which pods can be run (`node.k8s.io/v1`, KEP-585). It has no namespace. */
export interface RuntimeClass extends KubeObject {
  /** The node's own name for it. */
  handler: string;
}
