/**
 * Events: news about objects, for people.
 *
 * @module
 */
import type { KubeObject } from "./meta.ts";

/** `core/v1` ObjectReference: an object of any kind, or a part of one. */
export interface ObjectReference {
  /** Group and version of the object's kind. */
  apiVersion?: string;
  /** The object's kind, as `Pod`. */
  kind?: string;
  /** The object's namespace; absent if it belongs to none. */
  namespace?: string;
  /** The object's name. */
  name?: string;
  /** Tells the object apart from others that had its name. */
  uid?: string;
  /** The version of the object that is meant. */
  resourceVersion?: string;
  /** The part that is meant, as `spec.containers{app}`. */
  fieldPath?: string;
}

/** `core/v1` Event. The server keeps it for an hour unless it is told otherwise. */
export interface Event extends KubeObject {
  /** What the event is about. */
  involvedObject: ObjectReference;
  /** One CamelCase word, as `BackOff`. */
  reason?: string;
  /** A sentence, at most 1024 bytes. */
  message?: string;
  /** `Warning` if somebody may have to do something. */
  type?: "Normal" | "Warning";
  /** Who told it, in the older form. */
  source?: { component?: string; host?: string };
  /** When it happened first. */
  firstTimestamp?: string;
  /** When it happened last. */
  lastTimestamp?: string;
  /** How often it has happened. */
  count?: number;
  /** Which program told it, as `kubelet`. */
  reportingComponent?: string;
  /** Which instance of that program, as the node's name. */
  reportingInstance?: string;
}
