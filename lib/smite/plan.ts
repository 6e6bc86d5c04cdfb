/**
 * What a node that has vanished leaves in a cluster, and whether it has.
 *
 * @module
 */
import { csrPath, leasePath, nodePath, podPath } from "../api/paths.ts";
import type { CertificateSigningRequest, Lease, Node, Pod } from "../api/types.ts";

/** What the cluster knows of a node. */
export interface Remains {
  readonly node: Node | undefined;
  /** The node's heartbeat. */
  readonly lease: Lease | undefined;
  /** All pods that are bound to it. */
  readonly pods: readonly Pod[];
  /** All requests for certificates of the cluster. */
  readonly requests: readonly CertificateSigningRequest[];
}

/** An object that is to go. */
export interface Doomed {
  /** For people, as `pod default/web`. */
  readonly what: string;
  /** Of the object on the server. */
  readonly path: string;
  /** Nobody will end it properly: it goes at once. */
  readonly force: boolean;
  /** What was looked at: another object of that name stays. */
  readonly uid: string | undefined;
}

/** A node whose heartbeat is younger is alive, in ms: what the cluster itself waits for. */
export const HEARTBEAT_MS_MAX = 40_000;

/** Why the node cannot have vanished; `undefined` if it may have. */
export function signOfLife({ node, lease }: Remains, nowMs: number): string | undefined {
  const { renewTime } = lease?.spec ?? {};
  const ageMs = renewTime === undefined ? Infinity : nowMs - Date.parse(renewTime);
  // One from the future is of a clock that is wrong, and no sign of death.
  if (ageMs < HEARTBEAT_MS_MAX) {
    return `its heartbeat is ${Math.max(0, Math.round(ageMs / 1000))} s old`;
  }
  const ready = node?.status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" ? "its node is Ready" : undefined;
}

/** All that goes, in this order: the node first, so that nothing new is bound to it. */
export function planSmite(name: string, { node, lease, pods, requests }: Remains): Doomed[] {
  const user = `system:node:${name}`;
  return [
    ...(node === undefined
      ? []
      : [{ what: `node ${name}`, path: nodePath(name), force: false, uid: node.metadata?.uid }]),
    ...pods.map(({ metadata }) => {
      const { namespace = "default", name = "", uid } = metadata ?? {};
      const path = podPath(namespace, name);
      return { what: `pod ${namespace}/${name}`, path, force: true, uid };
    }),
    ...requests.filter((request) => isOf(request, user)).map(({ metadata }) => {
      const { name = "", uid } = metadata ?? {};
      return { what: `certificate request ${name}`, path: csrPath(name), force: false, uid };
    }),
    ...(lease === undefined
      ? []
      : [{ what: `lease ${name}`, path: leasePath(name), force: false, uid: lease.metadata?.uid }]),
  ];
}

/** Requests of the node itself. Its first one was made by a bootstrap token, and cannot be told from others'. */
function isOf({ spec }: CertificateSigningRequest, user: string): boolean {
  return spec?.username === user;
}
