/**
 * Certificate signing requests, as an API client makes and follows them.
 *
 * @module
 */
import { type ApiClient, isNotFound } from "./client.ts";
import { csrPath, csrsPath } from "./paths.ts";

/** The API of certificate requests; `T` is whatever the caller knows of such an object. */
export interface CertificateRequestApi<T> {
  /** Makes the request, and answers it as the API server holds it. */
  create(request: T, signal?: AbortSignal): Promise<T>;
  /** `undefined` if there is no request of that name. */
  get(name: string, signal?: AbortSignal): Promise<T | undefined>;
  /** Yields a line whenever the request changes, until the server or the signal ends it. */
  watch(name: string, signal: AbortSignal): AsyncIterable<string>;
}

/** Makes and follows requests by this client, which stays the caller's. */
export function certificateRequests<T>(client: ApiClient): CertificateRequestApi<T> {
  return {
    create: (request, signal) => client.create<T>(csrsPath(), request, { signal }),
    get: async (name, signal) => {
      try {
        return await client.get<T>(csrPath(name), { signal });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    watch: (name, signal) =>
      client.lines(csrsPath(), {
        query: { watch: "true", fieldSelector: `metadata.name=${name}` },
        signal,
      }),
  };
}
