import type { ImportedMemory } from "../module/memories.ts";

const known = new WeakMap<WebAssembly.Module, readonly ImportedMemory[]>();

/** Keeps what a module says of the memories that it imports: the compiled module does not tell. */
export function rememberMemories(
  module: WebAssembly.Module,
  imported: readonly ImportedMemory[],
): void {
  if (imported.length > 0) known.set(module, imported);
}

/**
 * The shared memory that a module wants of the host: the mark of a guest with threads. `undefined` if
 * it wants none, or another kind, or was not compiled by this thread.
 */
export function sharedMemoryOf(module: WebAssembly.Module): ImportedMemory | undefined {
  return threadsMemory(known.get(module) ?? []);
}

/** As {@linkcode sharedMemoryOf}, for what was read of a module that is not compiled. */
export function threadsMemory(imported: readonly ImportedMemory[]): ImportedMemory | undefined {
  const [memory, ...more] = imported;
  return memory?.shared && !memory.address64 && more.length === 0 ? memory : undefined;
}
