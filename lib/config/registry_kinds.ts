/**
 * Values that belong to registries: `HOST=VALUE,HOST=VALUE`.
 *
 * @module
 */
import { splitList, withoutUsers } from "./names.ts";
import type { Kind } from "./option.ts";

/** Values by registry, each in the order in which they were given. */
export type HostValues = Readonly<Record<string, readonly string[]>>;

/**
 * A comma list of `HOST=VALUE`; in the file an object whose values are a text or an array of texts. A
 * flag that is given twice adds to the list.
 *
 * `check` answers the value as it is kept, or throws a `RangeError` that says what is wrong with it.
 */
export function hostValues(
  placeholder: string,
  what: string,
  check: (value: string) => string,
): Kind<HostValues> {
  const read = (pairs: Iterable<readonly [string, string]>): HostValues => {
    const found = new Map<string, string[]>();
    for (const [host, value] of pairs) {
      const name = registryName(host);
      found.set(name, [...(found.get(name) ?? []), check(value)]);
    }
    return Object.fromEntries(found);
  };
  return {
    placeholder,
    allowed: `a comma list of HOST=VALUE with ${what} (in the file an object of texts or arrays)`,
    emptyIsValue: true,
    fromText: (text) => read(splitList(text).map(splitPair)),
    fromJson(value): HostValues {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new RangeError("it is no object");
      }
      return read(
        Object.entries(value).flatMap(([host, values]) =>
          [values].flat().map((one: unknown) => [host, asText(one)] as const)
        ),
      );
    },
    toText: (value) =>
      Object.entries(value).flatMap(([host, values]) => values.map((one) => `${host}=${one}`))
        .join(","),
    join: (earlier, later) =>
      read(
        [earlier, later].flatMap((values) =>
          Object.entries(values).flatMap(([host, all]) => all.map((one) => [host, one] as const))
        ),
      ),
  };
}

/** A mirror's address without a slash at its end. */
export function mirrorUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new RangeError(`mirror "${withoutUsers(text)}" is no http: or https: address`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new RangeError(
      `the address of mirror "${url.host}" holds a user, whom everybody would see; put user and \
password under "${url.host}" into Docker's config.json`,
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw new RangeError(`mirror "${url.host}" has a query, which no registry understands`);
  }
  const parts = url.pathname.split("/").filter((part) => part !== "");
  if (!parts.every((part) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part))) {
    throw new RangeError(`mirror "${url.host}" has a path that begins no repository's name`);
  }
  return `${url.href.replace(/\/+$/, "")}`;
}

/** The name that images of this registry bear. */
function registryName(host: string): string {
  if (!/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?$/.test(host)) {
    throw new RangeError(`"${withoutUsers(host)}" is no host name with an optional port`);
  }
  return ["index.docker.io", "registry-1.docker.io"].includes(host) ? "docker.io" : host;
}

function splitPair(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 0) throw new RangeError(`"${withoutUsers(text)}" has no "="`);
  const value = text.slice(at + 1).trim();
  if (value === "") throw new RangeError(`"${withoutUsers(text)}" has nothing behind "="`);
  return [text.slice(0, at).trim(), value];
}

function asText(value: unknown): string {
  if (typeof value !== "string" || value.trim() === "") throw new RangeError("a value is no text");
  return value.trim();
}
