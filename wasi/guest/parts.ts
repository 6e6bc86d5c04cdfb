import type { ReadModule } from "../compile.ts";
import type { HostKind, System } from "../host/host.ts";
import { fastest, openSystem } from "../host/open.ts";
import { awaitsListeners } from "../module/declarations.ts";
import { once } from "../start/once.ts";
import type { WasiOptions } from "../options.ts";
import { sharedMemoryOf, threadsMemory } from "../threads/imported_memory.ts";

/** What a module needs of this library that most do not. Who needs nothing pays for nothing. */
export interface Needs {
  /**
   * It starts threads, which `prepare` runs in Workers. They are started while it runs, so the process
   * must keep until then what each of them needs: leave to read the program of this library and, for
   * the libc host, `--allow-ffi`. False for a module that another thread compiled.
   */
  readonly threads: boolean;
  /** It imports calls on sockets. */
  readonly sockets: boolean;
  /** It takes connections, and cannot say where: it must find itself listening. */
  readonly awaitsListeners: boolean;
}

/** What a module needs, by its imports; threads only if this thread has read or compiled it. */
export function needsOf(module: WebAssembly.Module | ReadModule): Needs {
  if (!(module instanceof WebAssembly.Module)) {
    const { importedMemories, sockets, awaitsListeners } = module;
    return { threads: threadsMemory(importedMemories) !== undefined, sockets, awaitsListeners };
  }
  const names = WebAssembly.Module.imports(module).map(({ name }) => name);
  return {
    threads: sharedMemoryOf(module) !== undefined,
    sockets: names.some((name) => name.startsWith("sock_")),
    awaitsListeners: awaitsListeners(names),
  };
}

/** The parts of this library that one guest needs, imported. */
export interface Parts {
  readonly host: System;
  readonly sockets: typeof import("../calls/sockets.ts") | undefined;
  readonly tracing: typeof import("../trace/trace.ts") | undefined;
  /** Of a guest that waits for the network where the host cannot block for it. */
  readonly suspending: typeof import("./suspension.ts") | undefined;
  readonly threading: typeof import("../threads/threaded_guest.ts") | undefined;
}

const importSockets = once(() => import("../calls/sockets.ts"));
const importTracing = once(() => import("../trace/trace.ts"));
const importSuspending = once(() => import("./suspension.ts"));
const importThreading = once(() => import("../threads/threaded_guest.ts"));

/** Imports what such a guest needs, and nothing else. */
export async function importParts(needs: Needs, options: WasiOptions): Promise<Parts> {
  const kind = options.host ?? fastest();
  const listens = (options.listeners ?? []).length > 0;
  const [host, sockets, tracing, suspending, threading] = await Promise.all([
    openFor(kind, { sockets: needs.sockets || listens }),
    needs.sockets ? importSockets() : undefined,
    options.trace === undefined ? undefined : importTracing(),
    kind === "portable" && needs.sockets && (listens || options.allowAddress !== undefined)
      ? importSuspending()
      : undefined,
    needs.threads ? importThreadingFor(kind) : undefined,
  ]);
  return { host, sockets, tracing, suspending, threading };
}

/**
 * Imports all of this library that `prepare` will import for such a module and such options, so that
 * the process may lose the right to read files in between. Of a guest with threads, their Workers read
 * more of it while it runs.
 */
export async function preload(
  module: WebAssembly.Module | ReadModule,
  options: WasiOptions = {},
): Promise<void> {
  await importParts(needsOf(module), options);
}

async function openFor(kind: HostKind, { sockets }: { sockets: boolean }): Promise<System> {
  const host = await openSystem(kind);
  if (sockets) await host.loadSockets();
  return host;
}

async function importThreadingFor(kind: HostKind): Promise<Parts["threading"]> {
  const threading = await importThreading();
  await threading.importService(kind);
  return threading;
}
