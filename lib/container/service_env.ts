/**
 * What a container's environment tells of Services.
 *
 * @module
 */
import type { ObjectSource, ServiceScope } from "../api/object_source.ts";
import { serviceScopes } from "../api/service_watches.ts";
import type { Pod, Service, ServicePort } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";

/** Where the manifest of a pod came from; pods that are not from the API server start without it. */
const SOURCE_ANNOTATION = "kubernetes.io/config.source";

/**
 * The variables that tell of the Services of the pod's namespace and of the API server's own. Empty where
 * there is no cluster.
 *
 * Throws a {@linkcode KubeletError} with code `container_config` if the Services are not known yet; only a
 * pod that is not from the API server, which may be away, starts with those that are.
 */
export async function resolveServiceEnv(
  pod: Pod,
  { objects, signal }: { readonly objects: ObjectSource; readonly signal: AbortSignal },
): Promise<Record<string, string>> {
  const source = pod.metadata?.annotations?.[SOURCE_ANNOTATION] ?? "api";
  const read = async (scope: ServiceScope): Promise<readonly Service[]> =>
    await objects.services?.(scope, { knownOnly: source !== "api", signal }) ?? [];
  try {
    const services = await Promise.all(serviceScopes(pod).map(read));
    // Those of the pod's own namespace come last, so that they win.
    const byName = new Map(services.flat().map((one) => [one.metadata?.name, one] as const));
    return serviceVariables([...byName.values()]);
  } catch (error) {
    signal.throwIfAborted();
    throw new KubeletError("container_config", messageOf(error), { cause: error });
  }
}

/**
 * For a Service `web-db` with port 80: `WEB_DB_SERVICE_HOST`, `WEB_DB_SERVICE_PORT` (and one for each
 * port with a name), and for each port what links of containers were once called: `WEB_DB_PORT_80_TCP`,
 * with `_PROTO`, `_PORT` and `_ADDR`. Touches nothing.
 */
export function serviceVariables(services: readonly Service[]): Record<string, string> {
  return Object.fromEntries(services.flatMap((service) => {
    const { clusterIP = "", ports = [] } = service.spec ?? {};
    const [first] = ports;
    if (clusterIP === "" || clusterIP === "None" || first === undefined) return [];
    const name = variableName(service.metadata?.name ?? "");
    const named = ports.filter((port) => port.name !== undefined && port.name !== "");
    return [
      [`${name}_SERVICE_HOST`, clusterIP],
      [`${name}_SERVICE_PORT`, String(first.port)],
      ...named.map((port) => [
        `${name}_SERVICE_PORT_${variableName(port.name ?? "")}`,
        String(port.port),
      ]),
      [`${name}_PORT`, urlOf(clusterIP, first)],
      ...ports.flatMap((port) => linkVariables(name, clusterIP, port)),
    ];
  }));
}

function linkVariables(name: string, address: string, port: ServicePort): [string, string][] {
  const protocol = port.protocol || "TCP";
  const prefix = `${name}_PORT_${port.port}_${protocol.toUpperCase()}`;
  return [
    [prefix, urlOf(address, port)],
    [`${prefix}_PROTO`, protocol.toLowerCase()],
    [`${prefix}_PORT`, String(port.port)],
    [`${prefix}_ADDR`, address],
  ];
}

function urlOf(address: string, { port, protocol }: ServicePort): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `${(protocol || "TCP").toLowerCase()}://${host}:${port}`;
}

function variableName(text: string): string {
  return text.replaceAll("-", "_").toUpperCase();
}
