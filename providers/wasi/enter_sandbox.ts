import { requireSandbox, type Sandbox } from "../../wasi/mod.ts";
import { type Inside, wishesOf } from "./grants.ts";
import type { Order } from "./protocol.ts";

/**
 * Puts this thread into the sandbox, for ever: its order's folders, its program's if it will start threads,
 * and sockets if it has a network. Throws, so that no guest is started, if less would hold it than the order demands.
 */
export function enterSandbox(sandbox: Sandbox, order: Order, inside: Inside = {}): void {
  const wishes = wishesOf(order, inside);
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
