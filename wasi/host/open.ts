import type { Host, HostKind, System } from "./host.ts";
import { LibcHost } from "./libc/libc_host.ts";
import { libcPaths } from "./libc/library.ts";
import { PortableHost } from "./portable/portable_host.ts";

const opened = new Map<HostKind, System>();

/** How {@linkcode openHost} leaves the process. */
export interface OpenHostOptions {
  /**
   * Gives up the permission to open libraries. What is open goes on working.
   *
   * @default {false}
   */
  readonly revokeFfi?: boolean;
}

/**
 * Opens a way to the operating system, once per process: libc where this is Linux and the process
 * may (`--allow-ffi`, or `--allow-ffi=` one of {@linkcode libcPaths}), else the portable one.
 *
 * Call it early in a process that is to start a guest quickly later. Throws if libc is asked for by
 * name and cannot be had.
 */
export function openHost(kind?: HostKind, options: OpenHostOptions = {}): Host {
  const host = openSystem(kind);
  if (options.revokeFfi) Deno.permissions.revokeSync({ name: "ffi" });
  return host;
}

/** As {@linkcode openHost}, with everything that a guest needs. */
export function openSystem(kind: HostKind = fastest()): System {
  const system = opened.get(kind) ?? (kind === "libc" ? LibcHost.open() : new PortableHost());
  opened.set(kind, system);
  return system;
}

/**
 * A portable host of a guest's own that has sockets. Its calls may answer promises, so the guest must
 * be one that can be suspended.
 */
export function openSuspendingHost(): PortableHost {
  return new PortableHost({ suspends: true });
}

function fastest(): HostKind {
  if (opened.has("libc")) return "libc";
  return Deno.build.os === "linux" && libcPaths().some(mayOpen) ? "libc" : "portable";
}

function mayOpen(path: string): boolean {
  return Deno.permissions.querySync({ name: "ffi", path }).state === "granted";
}
