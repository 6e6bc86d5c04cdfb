/**
 * What all objects of the API have in common (`meta/v1`).
 *
 * @module
 */

/** `metav1.ObjectMeta`. */
export interface ObjectMeta {
  /** Unique among objects of the same kind in the namespace; never changes. */
  name?: string;
  /** Prefix from which the server makes a name when `name` is absent. */
  generateName?: string;
  /** Absent on objects that belong to no namespace, as a node. */
  namespace?: string;
  /** Set by the server; never used again, also not for a later object of the same name. */
  uid?: string;
  /** The object's version. Opaque: only to be compared for equality and given back. */
  resourceVersion?: string;
  /** Counts the changes of the desired state (`spec`); set by the server. */
  generation?: number;
  /** When the server stored the object first. */
  creationTimestamp?: string;
  /** Set once deletion was asked for: when the grace period is over. Never taken back. */
  deletionTimestamp?: string;
  /** Seconds of grace before the object goes; set together with `deletionTimestamp`. */
  deletionGracePeriodSeconds?: number;
  /** Words that selectors match on. */
  labels?: Record<string, string>;
  /** Notes for tools and people; no selector matches on them. */
  annotations?: Record<string, string>;
  /** Objects that this one goes with; at most one of them is its controller. */
  ownerReferences?: OwnerReference[];
  /** Who has to agree before the object goes: it stays until this list is empty. */
  finalizers?: string[];
}

/** `metav1.OwnerReference`: an object, in the same namespace or in none, that owns this one. */
export interface OwnerReference {
  /** Group and version of the owner's kind, as `apps/v1`. */
  apiVersion: string;
  /** The owner's kind, as `ReplicaSet`. */
  kind: string;
  /** The owner's name. */
  name: string;
  /** The owner's UID; a reference to another UID of that name counts as dangling. */
  uid: string;
  /** True for the one owner that manages this object. */
  controller?: boolean;
  /** True if a foreground deletion of the owner waits for this object. */
  blockOwnerDeletion?: boolean;
}

/** `metav1.LabelSelector`: all of it must hold. */
export interface LabelSelector {
  /** Labels with exactly these values. */
  matchLabels?: Record<string, string>;
  /** Requirements; `In`, `NotIn`, `Exists` or `DoesNotExist`. */
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** Any object of the API. */
export interface KubeObject {
  /** Group and version, as `v1` or `apps/v1`. The server leaves it out of the items of a list. */
  apiVersion?: string;
  /** CamelCase word for the type, as `Pod`. The server leaves it out of the items of a list. */
  kind?: string;
  /** Identity, version, labels and owners. */
  metadata?: ObjectMeta;
}

/** A list of objects, as `PodList`. */
export interface KubeList<T> {
  /** Group and version of the list and its items. */
  apiVersion?: string;
  /** The items' kind followed by `List`. */
  kind?: string;
  /** `resourceVersion` is where a watch goes on; `continue` is the token for the next page. */
  metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  /** One page of objects, in the server's order. */
  items: T[];
}

/** `metav1.Status`: what the API server answers when it refuses. */
export interface Status {
  /** Always `v1`. */
  apiVersion?: string;
  /** Tells a status apart from whatever else a body may hold. */
  kind?: "Status";
  /** `Success` or `Failure`. */
  status?: string;
  /** A sentence for people. */
  message?: string;
  /** One CamelCase word for programs, as `NotFound` or `Conflict`. */
  reason?: string;
  /** The suggested HTTP status. */
  code?: number;
  /** What the refusal is about. `retryAfterSeconds` asks to come back later. */
  details?: { name?: string; kind?: string; retryAfterSeconds?: number };
}
