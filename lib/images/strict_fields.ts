/**
 * Reads what a person has written, and leaves no mistake unsaid: a member that nobody knows is one.
 *
 * @module
 */
import { parseDuration } from "../durations.ts";

/** The members of one object, taken one by one until none may be left. */
export class Fields {
  readonly #rest: Map<string, unknown>;
  readonly #at: string;
  readonly #fail: (state: string) => never;

  /** `at` is where the object stands, as `providers[0]`; `fail` throws what it is told. */
  constructor(body: unknown, at: string, fail: (state: string) => never) {
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
      fail(at === "" ? "it holds no object" : `${at} must be an object`);
    }
    this.#rest = new Map(Object.entries(body as Record<string, unknown>));
    this.#at = at === "" ? "" : `${at}.`;
    this.#fail = fail;
  }

  /** Absent and null are the same, as everywhere in Kubernetes. */
  take(name: string): unknown {
    const value = this.#rest.get(name);
    this.#rest.delete(name);
    return value ?? undefined;
  }

  /** A text; empty if it is absent. */
  text(name: string): string {
    const value = this.take(name) ?? "";
    return typeof value === "string" ? value : this.#fail(`${this.#at}${name} must be a text`);
  }

  /** A list of texts; empty if it is absent. */
  texts(name: string): string[] {
    return this.list(name, (entry, at) => {
      return typeof entry === "string" ? entry : this.#fail(`${at} must be a text`);
    });
  }

  /** A list; empty if it is absent. `read` is told where each entry stands. */
  list<T>(name: string, read: (entry: unknown, at: string) => T): T[] {
    const value = this.take(name) ?? [];
    if (!Array.isArray(value)) return this.#fail(`${this.#at}${name} must be a list`);
    return value.map((entry, i) => read(entry, `${this.#at}${name}[${i}]`));
  }

  /** A duration as Go writes it, in milliseconds. */
  duration(name: string): number {
    const text = this.text(name);
    try {
      return parseDuration(text);
    } catch {
      return this.#fail(`${this.#at}${name} "${text}" must be a duration as 10m or 0s`);
    }
  }

  /** A member that nobody has asked for is a mistake. */
  end(): void {
    const [unknown] = this.#rest.keys();
    if (unknown !== undefined) this.#fail(`${this.#at}${unknown} is not known`);
  }
}
