/**
 * Addresses of this machine.
 *
 * @module
 */

/**
 * A port that nobody listens on at this moment. Another program may take it before you do: who uses
 * it must be ready to try again.
 */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * An address of this machine under which nodes are registered.
 *
 * Not a loopback one if there is another: the API server proxies to those only in part.
 */
export function machineAddress(): string {
  const own = Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.") && !address.startsWith("169.254.")
  );
  return own?.address ?? "127.0.0.1";
}
