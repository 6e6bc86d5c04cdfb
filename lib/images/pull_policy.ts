import type { Reference } from "./oci/reference.ts";

/** Kubernetes' default for a missing `imagePullPolicy`: a moving tag is looked up each time. */
export function defaultPullPolicy(reference: Reference): "Always" | "IfNotPresent" {
  return reference.tag === "latest" ? "Always" : "IfNotPresent";
}
