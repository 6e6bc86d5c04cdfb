import type { GuestMemory } from "../memory.ts";
import type { Calls, GuestState } from "./state.ts";

/** `args_*` and `environ_*`: both hand out a list of texts. */
export function argsCalls({ memory, args, env }: GuestState): Calls {
  return {
    args_get: (pointers: number, bytes: number) => get(memory, args, { pointers, bytes }),
    args_sizes_get: (count: number, bytes: number) => sizes(memory, args, { count, bytes }),
    environ_get: (pointers: number, bytes: number) => get(memory, env, { pointers, bytes }),
    environ_sizes_get: (count: number, bytes: number) => sizes(memory, env, { count, bytes }),
  };
}

function get(
  memory: GuestMemory,
  texts: readonly Uint8Array[],
  { pointers, bytes }: { pointers: number; bytes: number },
): number {
  let at = bytes >>> 0;
  for (const [index, text] of texts.entries()) {
    memory.setU32((pointers >>> 0) + index * 4, at);
    memory.bytes(at, text.length).set(text);
    at += text.length;
  }
  return 0;
}

function sizes(
  memory: GuestMemory,
  texts: readonly Uint8Array[],
  { count, bytes }: { count: number; bytes: number },
): number {
  memory.setU32(count, texts.length);
  memory.setU32(bytes, texts.reduce((sum, text) => sum + text.length, 0));
  return 0;
}
