import type { View, ViewOptions } from "./view.ts";

/**
 * Opens the folders. Rejects with {@linkcode OptionsError} for one that cannot be opened; then nothing
 * stays open. Dispose of the view to close them.
 */
export async function openView(options: ViewOptions): Promise<View> {
  // Few processes look at a guest's files themselves; all of them load this library.
  const view = await import("./view.ts");
  return await view.openView(options);
}
