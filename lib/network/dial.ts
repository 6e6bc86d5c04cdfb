/**
 * How the node itself reaches what listens in a pod.
 *
 * @module
 */
import type { Endpoint } from "../guest_network.ts";
import type { PodConnection } from "../pod_networks.ts";

/** Nobody of this machine takes longer to answer, in ms. */
const DIAL_MS_MAX = 10_000;

/** Connects to the first place where somebody listens. Rejects in a kubelet's words if nobody does. */
export async function dialPod(
  places: readonly Endpoint[],
  { port, signal }: { readonly port: number; readonly signal: AbortSignal },
): Promise<PodConnection> {
  for (const { ip, port } of places) {
    const late = AbortSignal.timeout(DIAL_MS_MAX);
    try {
      return await Deno.connect({
        hostname: ip,
        port,
        signal: AbortSignal.any([signal, late]),
      });
    } catch {
      signal.throwIfAborted(); // else there may be another place
    }
  }
  throw new Error(
    `failed to connect to localhost:${port} inside the pod: dial tcp4 127.0.0.1:${port}: connect: ` +
      `connection refused`,
  );
}
