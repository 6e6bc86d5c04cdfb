/** A registry's name is a stranger's text: `constructor` is a legal one. */
export function ownValue<T>(
  values: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
}
