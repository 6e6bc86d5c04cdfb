import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from "../api/types.ts";

/**
 * Whether a node fits a selector, as the scheduler reads it: one of the terms must hold with all of its
 * requirements; a term without any holds for no node.
 */
export function nodeFits(
  selector: NodeSelector,
  node: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  return selector.nodeSelectorTerms.some((term) => termHolds(term, node));
}

function termHolds(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  { name, labels }: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return matchExpressions.every((one) => holds(one, valueOf(labels, one.key))) &&
    matchFields.every((one) => holds(one, one.key === "metadata.name" ? name : undefined));
}

function valueOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function holds(
  { operator, values = [] }: NodeSelectorRequirement,
  value: string | undefined,
): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return isWhole(value) && isWhole(values[0]) && BigInt(value) > BigInt(values[0]);
    case "Lt":
      return isWhole(value) && isWhole(values[0]) && BigInt(value) < BigInt(values[0]);
    default:
      return false;
  }
}

function isWhole(text: string | undefined): text is string {
  return text !== undefined && /^-?\d{1,19}$/.test(text);
}
