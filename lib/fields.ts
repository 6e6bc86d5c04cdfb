/**
 * What a pod may read of itself: the downward API of env variables and volumes.
 *
 * Paths and formats are those of the API's `ObjectFieldSelector` and `ResourceFieldSelector`.
 *
 * @module
 */
import type { Container, Pod, ResourceFieldSelector } from "./api/types.ts";
import { KubeletError } from "./errors.ts";
import { divideQuantity, parseQuantity } from "./quantity.ts";

/** What the node knows of a pod beside its manifest. */
export interface FieldFacts {
  readonly nodeName: string;
  /** Addresses of the node, the first one being `status.hostIP`. */
  readonly hostIPs: readonly string[];
  /** Addresses of the pod, the first one being `status.podIP`; empty while it has none. */
  readonly podIPs: readonly string[];
  /** The node's `status.allocatable`: the limit of a container that states none. */
  readonly allocatable: Readonly<Record<string, string>>;
}

const PLAIN_FIELDS: Readonly<Record<string, (pod: Pod, facts: FieldFacts) => string>> = {
  "metadata.name": (pod) => pod.metadata?.name ?? "",
  "metadata.namespace": (pod) => pod.metadata?.namespace ?? "default",
  "metadata.uid": (pod) => pod.metadata?.uid ?? "",
  "metadata.labels": (pod) => formatMap(pod.metadata?.labels ?? {}),
  "metadata.annotations": (pod) => formatMap(pod.metadata?.annotations ?? {}),
  "spec.nodeName": (_, facts) => facts.nodeName,
  "spec.serviceAccountName": (pod) => pod.spec?.serviceAccountName ?? "",
  "status.hostIP": (_, facts) => facts.hostIPs[0] ?? "",
  "status.hostIPs": (_, facts) => facts.hostIPs.join(","),
  "status.podIP": (_, facts) => facts.podIPs[0] ?? "",
  "status.podIPs": (_, facts) => facts.podIPs.join(","),
  // The first name of spec.nodeName, which the API still converts.
  "spec.host": (_, facts) => facts.nodeName,
};

const SUPPORTED_FIELDS = [
  ...Object.keys(PLAIN_FIELDS).filter((path) => path !== "spec.host"),
  "metadata.labels['KEY']",
  "metadata.annotations['KEY']",
].join(", ");

/** `metadata.labels['key']`, and Krustlet's `metadata.labels.key`. */
const MAP_FIELD = /^metadata\.(labels|annotations)(?:\['(.*)'\]|\.(.+))$/;
/** A qualified name: an optional DNS subdomain and a name of at most 63 characters. */
const MAP_KEY = /^(?:[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[a-z0-9]([-\w.]{0,61}[a-z0-9])?$/i;

/**
 * The value of a `fieldRef`. A label or annotation that the pod does not have is empty.
 *
 * Throws a {@linkcode KubeletError} with code `invalid` for a path that is not supported; its
 * message lists those that are.
 */
export function fieldValue(pod: Pod, fieldPath: string, facts: FieldFacts): string {
  const plain = Object.hasOwn(PLAIN_FIELDS, fieldPath) ? PLAIN_FIELDS[fieldPath] : undefined;
  if (plain !== undefined) return plain(pod, facts);
  const [, map, subscript, dotted] = MAP_FIELD.exec(fieldPath) ?? [];
  const key = subscript ?? dotted;
  if (map === undefined || key === undefined || !MAP_KEY.test(key)) {
    throw new KubeletError(
      "invalid",
      `Cannot read field "${fieldPath}": it is not one of ${SUPPORTED_FIELDS}`,
    );
  }
  const entries = (map === "labels" ? pod.metadata?.labels : pod.metadata?.annotations) ?? {};
  return Object.hasOwn(entries, key) ? entries[key] ?? "" : "";
}

/** `key="escaped value"` lines in the order of their keys, without a last line end. */
function formatMap(map: Readonly<Record<string, string>>): string {
  return Object.keys(map).sort().map((key) => `${key}=${quote(map[key] ?? "")}`).join("\n");
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
  '"': '\\"',
};

/** Quotes as Go's `%q`, which is the format that readers of these files parse. */
function quote(text: string): string {
  const escaped = text.replaceAll(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return ESCAPES[character] ??
      (code < 0x80
        ? `\\x${hex.padStart(2, "0")}`
        : code < 0x10000
        ? `\\u${hex.padStart(4, "0")}`
        : `\\U${hex.padStart(8, "0")}`);
  });
  return `"${escaped}"`;
}

/** Resources whose missing limit is the node's allocatable. */
const DEFAULTED_RESOURCES: readonly string[] = ["cpu", "memory", "ephemeral-storage"];
const RESOURCE_FIELD = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/;

/**
 * The value of a `resourceFieldRef`, in divisors (by default 1: cores or bytes), rounded up.
 *
 * A limit that the container does not state is the node's allocatable; a missing request is 0.
 * Throws a {@linkcode KubeletError} with code `invalid` for other resources.
 */
export function resourceFieldValue(
  container: Container,
  selector: ResourceFieldSelector,
  allocatable: Readonly<Record<string, string>>,
): string {
  const [, list, resource] = RESOURCE_FIELD.exec(selector.resource) ?? [];
  if (list === undefined || resource === undefined) {
    throw new KubeletError(
      "invalid",
      `Cannot read resource "${selector.resource}": it is not limits or requests of cpu, memory, ` +
        `ephemeral-storage or hugepages-SIZE, as limits.cpu`,
    );
  }
  const given = list === "limits" ? container.resources?.limits : container.resources?.requests;
  let quantity = parseQuantity(given?.[resource] ?? "0");
  if (list === "limits" && quantity.nanos === 0n && DEFAULTED_RESOURCES.includes(resource)) {
    quantity = parseQuantity(allocatable[resource] ?? "0");
  }
  const divisor = parseQuantity(selector.divisor ?? "1");
  return divideQuantity(quantity, divisor.nanos === 0n ? parseQuantity("1") : divisor, {
    precision: resource === "cpu" ? "millis" : "units",
  }).toString();
}

/**
 * The container or init container of this name.
 *
 * Throws a {@linkcode KubeletError} with code `invalid` if the pod has none.
 */
export function findContainer(pod: Pod, name: string): Container {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const all = [...containers, ...initContainers, ...ephemeralContainers];
  const found = all.find((container) => container.name === name);
  if (found === undefined) throw new KubeletError("invalid", `container ${name} not found`);
  return found;
}
