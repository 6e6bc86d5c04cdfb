import type { PodConnection } from "../pod_networks.ts";

/**
 * Copies both directions between a client's streams and a pod's. Each direction ends by itself, and a broken
 * one breaks both. Settles when both have ended.
 */
export async function joinStreams(
  client: ReadableWritablePair<Uint8Array, Uint8Array>,
  { pod, closed }: { readonly pod: PodConnection; readonly closed: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([closed, over.signal]);
  // Closing its writable would close the whole connection.
  const there = client.readable.pipeTo(pod.writable, { preventClose: true, signal })
    .then(() => pod.closeWrite());
  const back = pod.readable.pipeTo(client.writable, { signal });
  const both = [there, back].map((way) =>
    way.catch((error) => {
      over.abort(error);
      throw error;
    })
  );
  const [first] = (await Promise.allSettled(both)).flatMap((end) =>
    end.status === "rejected" ? [end.reason] : []
  );
  if (first !== undefined && !closed.aborted) throw first;
}
