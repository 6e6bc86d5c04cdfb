import { requireSandbox, type Sandbox } from "../../wasi/mod.ts";
import { type ProgramFiles, wishesOf } from "./grants.ts";
import type { Order } from "./protocol.ts";

/**
 * Puts this thread into the sandbox, for ever: its order's folders, and its program's if it will start
 * threads. Throws, so that no guest is started, if less would hold it than the order demands.
 */
export function enterSandbox(sandbox: Sandbox, order: Order, program?: ProgramFiles): void {
  const wishes = wishesOf(order, program);
  // A log that cannot be written costs its lines, and not the guest.
  const logs = (wishes.logs ?? []).filter(isFolder);
  const report = sandbox.enter({ ...wishes, logs });
  if (order.requireSandbox !== undefined) requireSandbox(order.requireSandbox, report);
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
