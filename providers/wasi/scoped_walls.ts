import { grantsOf } from "./grants.ts";
import type { Order } from "./protocol.ts";

/**
 * Deno's permissions for the Worker that runs an order where the kernel has no walls: its own paths, this program's
 * code, and the network if its pod has one. {@linkcode narrow} takes away what its module has no use for.
 */
export function permissionsOf(
  order: Order,
  codeDirs: readonly string[],
): Required<Pick<Deno.PermissionOptionsObject, "read" | "write" | "net">> {
  const { read, write } = grantsOf(order);
  const desk = deskPathsOf(order);
  return {
    read: [...read, ...codeDirs, ...desk],
    write: [...write, ...desk],
    // Any address: Deno cannot name a range of IPv6, and which may be used is decided for each, by the agent.
    net: order.network !== undefined,
  };
}

/**
 * Narrows this Worker's permissions for good, before its guest's bytes are compiled: no network for a module without
 * sockets, and no second way to the agent for any. What is connected stays so.
 */
export function narrow(order: Order, { sockets }: { readonly sockets: boolean }): void {
  if (!sockets) Deno.permissions.revokeSync({ name: "net" });
  for (const path of deskPathsOf(order)) {
    for (const name of ["read", "write"] as const) Deno.permissions.revokeSync({ name, path });
  }
}

/** The agent's Unix socket, if an order names one. Deno wants leave to read and write it. */
function deskPathsOf({ network }: Order): string[] {
  return network !== undefined && "path" in network.at ? [network.at.path] : [];
}
