/**
 * Small Services and EndpointSlices for tests.
 *
 * @module
 */
import type { EndpointSlice, Service, SliceEndpoint } from "../../api/types.ts";
import { ServiceTable } from "./table.ts";

/** Service `shop/<name>` with TCP port 80 unless `spec` says otherwise. */
export function service(
  name: string,
  { namespace = "shop", labels, status, ...spec }:
    & Service["spec"]
    & Pick<Service, "status">
    & { readonly namespace?: string; readonly labels?: Record<string, string> } = {},
): Service {
  return {
    metadata: { namespace, name, ...(labels === undefined ? {} : { labels }) },
    spec: { ports: [{ port: 80, protocol: "TCP" }], ...spec },
    ...(status === undefined ? {} : { status }),
  };
}

/** An endpoint at `10.1.0.<n>`, ready unless `more` says otherwise. */
export function endpoint(n: number, more: Partial<SliceEndpoint> = {}): SliceEndpoint {
  return { addresses: [`10.1.0.${n}`], ...more };
}

/** A slice of Service `shop/<of>`, whose endpoints listen on TCP port 8080. */
export function slice(
  of: string,
  endpoints: SliceEndpoint[],
  { name = `${of}-1`, namespace = "shop", headless = false, ...more }:
    & Omit<Partial<EndpointSlice>, "endpoints" | "metadata">
    & { readonly name?: string; readonly namespace?: string; readonly headless?: boolean } = {},
): EndpointSlice {
  return {
    metadata: {
      name,
      namespace,
      labels: {
        "kubernetes.io/service-name": of,
        ...(headless ? { "service.kubernetes.io/headless": "" } : {}),
      },
    },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints,
    ...more,
  };
}

/** A table that knows these, and that there are no others. */
export function tableOf(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
): ServiceTable {
  const table = new ServiceTable();
  table.syncServices(services);
  table.syncSlices(slices);
  return table;
}
