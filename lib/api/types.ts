/**
 * The part of the Kubernetes API that this program speaks, and no more.
 *
 * Field names, shapes and units are those of the Kubernetes 1.36 API reference. All times are
 * RFC 3339 strings. Every field that a server may leave out is optional.
 *
 * @module
 */
export type * from "./types/endpoint_slice.ts";
export type * from "./types/env.ts";
export type * from "./types/event.ts";
export type * from "./types/identity.ts";
export type * from "./types/meta.ts";
export type * from "./types/network_policy.ts";
export type * from "./types/node.ts";
export type * from "./types/pod.ts";
export type * from "./types/pod_status.ts";
export type * from "./types/probe.ts";
export type * from "./types/resources.ts";
export type * from "./types/runtime_class.ts";
export type * from "./types/storage.ts";
export type * from "./types/service.ts";
export type * from "./types/volume.ts";
