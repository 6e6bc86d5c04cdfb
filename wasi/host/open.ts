import type { Host, HostKind, System } from "./host.ts";
import { once } from "../start/once.ts";
import type { OwnedDescriptors } from "./libc/owned.ts";
import { libcPaths } from "./libc/paths.ts";
import type { PortableHost } from "./portable/portable_host.ts";

const opened = new Map<HostKind, Promise<System>>();

/** How {@linkcode openHost} leaves the process. */
export interface OpenHostOptions {
  /**
   * Gives up the permission to open libraries. What is open goes on working.
   *
   * @default {false}
   */
  readonly revokeFfi?: boolean;
  /**
   * For a thread that another one may end in the middle of its work: keeps account of the descriptors that
   * libc opens for it.
   *
   * @default {nobody does: the process ends with its guest}
   */
  readonly owned?: OwnedDescriptors;
}

/**
 * Opens a way to the operating system, once per process: libc where this is Linux and the process
 * may (`--allow-ffi`, or `--allow-ffi=` one of {@linkcode libcPaths}), else the portable one.
 *
 * Call it early in a process that is to start a guest quickly later: it imports that host, and only
 * that one. Rejects if libc is asked for by name and cannot be had.
 */
export async function openHost(kind?: HostKind, options: OpenHostOptions = {}): Promise<Host> {
  const host = await openSystem(kind, options.owned);
  if (options.revokeFfi) Deno.permissions.revokeSync({ name: "ffi" });
  return host;
}

/** As {@linkcode openHost}, with everything that a guest needs, but for sockets. */
export function openSystem(
  kind: HostKind = fastest(),
  owned?: OwnedDescriptors,
): Promise<System> {
  const opening = opened.get(kind) ?? (kind === "libc" ? openLibc(owned) : openPortable());
  opened.set(kind, opening);
  opening.catch(() => opened.delete(kind)); // the next who asks is told why as well
  return opening;
}

/**
 * A portable host of a guest's own that has sockets. Its calls may answer promises, so the guest must
 * be one that can be suspended.
 */
export function openSuspendingHost(): Promise<PortableHost> {
  return openPortable({ suspends: true });
}

/** The implementation that {@linkcode openHost} takes if none is named. */
export function fastest(): HostKind {
  if (opened.has("libc")) return "libc";
  return Deno.build.os === "linux" && libcPaths().some(mayOpen) ? "libc" : "portable";
}

const importLibc = once(() => import("./libc/libc_host.ts"));
const importPortable = once(() => import("./portable/portable_host.ts"));

async function openLibc(owned: OwnedDescriptors | undefined): Promise<System> {
  const { LibcHost } = await importLibc();
  return LibcHost.open(owned === undefined ? {} : { owned });
}

async function openPortable(options: { suspends?: boolean } = {}): Promise<PortableHost> {
  const { PortableHost } = await importPortable();
  return new PortableHost(options);
}

function mayOpen(path: string): boolean {
  return Deno.permissions.querySync({ name: "ffi", path }).state === "granted";
}
