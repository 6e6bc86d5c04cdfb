/**
 * Label selectors, as the API's machinery reads them (`metav1.LabelSelector`).
 *
 * @module
 */

/** Labels of an object. */
export type Labels = Readonly<Record<string, string>>;

/** True if an object with these labels is chosen. */
export type Selector = (labels: Labels) => boolean;

/** Chooses all; what {@linkcode compileSelector} makes of an empty selector. */
export const EVERYTHING: Selector = () => true;

/** The label that the API server gives each namespace, and that nobody can change: its name. */
export const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

/**
 * A selector as a function; an empty one chooses everything. `undefined` if it is malformed, so that the
 * caller says what is closed. Takes anything: objects come from a server, but were written by somebody.
 */
export function compileSelector(selector: unknown): Selector | undefined {
  const requirements = requirementsOf(selector);
  if (requirements?.length === 0) return EVERYTHING;
  return requirements && ((labels) => requirements.every((holds) => holds(labels)));
}

/**
 * The names of the namespaces that a selector chooses, if their names alone decide it; `undefined` if other
 * labels count, or if it is malformed.
 */
export function namesChosen(selector: unknown): ReadonlySet<string> | undefined {
  if (compileSelector(selector) === undefined || !isObject(selector)) return undefined;
  const labels = Object.entries(isObject(selector.matchLabels) ? selector.matchLabels : {});
  const expressions = Array.isArray(selector.matchExpressions) ? selector.matchExpressions : [];
  const [label] = labels;
  if (labels.length === 1 && expressions.length === 0) {
    return label?.[0] === NAMESPACE_NAME_LABEL ? new Set([String(label[1])]) : undefined;
  }
  const [expression] = expressions;
  if (labels.length > 0 || expressions.length !== 1 || expression.operator !== "In") {
    return undefined;
  }
  return expression.key === NAMESPACE_NAME_LABEL ? new Set(expression.values) : undefined;
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function requirementsOf(selector: unknown): Selector[] | undefined {
  // Go reads null as empty.
  if (!isObject(selector ?? {})) return undefined;
  const { matchLabels, matchExpressions } = (selector ?? {}) as Record<string, unknown>;
  if (!isObject(matchLabels ?? {}) || !Array.isArray(matchExpressions ?? [])) return undefined;
  const found: Selector[] = [];
  for (const [key, value] of Object.entries(matchLabels ?? {})) {
    if (typeof value !== "string") return undefined;
    found.push((labels) => valueOf(labels, key) === value);
  }
  for (const expression of (matchExpressions ?? []) as unknown[]) {
    const requirement = requirementOf(expression);
    if (requirement === undefined) return undefined;
    found.push(requirement);
  }
  return found;
}

function requirementOf(expression: unknown): Selector | undefined {
  if (!isObject(expression)) return undefined;
  const { key, operator, values: given } = expression;
  const values: unknown = given ?? [];
  if (typeof key !== "string" || key === "" || !isTexts(values)) return undefined;
  const set = new Set(values);
  switch (operator) {
    case "In":
      return set.size === 0 ? undefined : (labels) => has(set, valueOf(labels, key));
    case "NotIn": // also what has no such label
      return set.size === 0 ? undefined : (labels) => !has(set, valueOf(labels, key));
    case "Exists":
      return set.size > 0 ? undefined : (labels) => valueOf(labels, key) !== undefined;
    case "DoesNotExist":
      return set.size > 0 ? undefined : (labels) => valueOf(labels, key) === undefined;
    default:
      return undefined;
  }
}

function isTexts(values: unknown): values is string[] {
  return Array.isArray(values) && values.every((value) => typeof value === "string");
}

function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function has(set: ReadonlySet<string>, value: string | undefined): boolean {
  return value !== undefined && set.has(value);
}
