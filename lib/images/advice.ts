import type { PullFailure } from "./oci/failure.ts";
import type { Problem } from "./oci/problem.ts";

/** A failure's state, and what whoever runs pods on a node can do about it. */
export function nodeMessage(failure: PullFailure): string {
  const { state, problem, message } = failure;
  return problem === undefined ? message : `${state}; ${adviseNode(problem)}`;
}

function adviseNode(problem: Problem): string {
  switch (problem.kind) {
    case "no_credentials":
      return `name a Secret of type kubernetes.io/dockerconfigjson for "${problem.registry}" in the ` +
        `pod's imagePullSecrets`;
    case "wrong_credentials":
      return `correct the credentials in ${problem.source}`;
    case "no_right":
      return problem.source === undefined
        ? `name a Secret for "${problem.registry}" in the pod's imagePullSecrets`
        : `grant that user ${problem.right} access`;
    case "unknown_authority":
      return `start the agent with --registry-ca ${problem.host}=FILE, the authority's certificate`;
    case "no_client_certificate":
      return `start the agent with --registry-client-cert ${problem.host}=FILE, a certificate and its ` +
        `key`;
    case "not_https":
      return `for a registry on plain HTTP start the agent with --insecure-registries ${problem.host}`;
    case "not_http":
      return `if it speaks HTTPS, take "${problem.host}" off --insecure-registries`;
  }
}
