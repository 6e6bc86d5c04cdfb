/**
 * Temporary folders that go when the tests do.
 *
 * @module
 */
import { disown, own } from "./reaper.ts";

/** Makes a folder that is deleted when it is disposed of, or when this process ends. */
export async function tempFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "krustlet-test-" });
  await own(path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await Deno.remove(path, { recursive: true });
      await disown(path);
    },
  };
}
