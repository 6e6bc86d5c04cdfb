/**
 * An API server in memory that knows nodes and leases, for the tests of this folder.
 *
 * @module
 */
import { ApiError } from "../api/client.ts";
import type { Lease, Node, NodeCondition } from "../api/types.ts";
import type { NodeApi } from "./requests.ts";

/** A refusal by the API server. */
export function refusal(status: number, reason = ""): ApiError {
  const body = JSON.stringify({ kind: "Status", reason });
  return new ApiError({ method: "TEST", path: "/", status, body });
}

/** Remembers every call, and can be told to fail. */
export class FakeApi implements NodeApi {
  node: Node | undefined;
  lease: Lease | undefined;
  /** Verb and path of each call, as `patch /api/v1/nodes/n/status`. */
  readonly calls: string[] = [];
  /** Bodies of the patches. */
  readonly patches: unknown[] = [];
  /** Called before each call; may throw. */
  before: (call: string) => void | Promise<void> = () => {};
  #uids = 0;
  #version = 0;
  #watchers: (() => void)[] = [];

  /** Resolves when the condition is true after some call. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  get<T>(path: string): Promise<T> {
    return this.#call(`get ${path}`, () => found(this.#isLease(path) ? this.lease : this.node));
  }

  create<T>(path: string, body: unknown): Promise<T> {
    return this.#call(`create ${path}`, () => {
      if ((this.#isLease(path) ? this.lease : this.node) !== undefined) {
        throw refusal(409, "AlreadyExists");
      }
      const object = structuredClone(body) as Node & Lease;
      const resourceVersion = String(++this.#version);
      object.metadata = { ...object.metadata, uid: `uid-${++this.#uids}`, resourceVersion };
      if (this.#isLease(path)) this.lease = object;
      else this.node = object;
      return object;
    });
  }

  update<T>(path: string, body: unknown): Promise<T> {
    return this.#call(`update ${path}`, () => {
      const lease = structuredClone(body) as Lease;
      const existing = found(this.lease);
      if (lease.metadata?.resourceVersion !== existing.metadata?.resourceVersion) {
        throw refusal(409, "Conflict");
      }
      lease.metadata = { ...lease.metadata, resourceVersion: String(++this.#version) };
      this.lease = lease;
      return lease;
    });
  }

  patch<T>(path: string, patch: unknown): Promise<T> {
    return this.#call(`patch ${path}`, () => {
      const node = found(this.node);
      this.patches.push(structuredClone(patch));
      const { metadata, status } = patch as Node;
      node.metadata = {
        ...node.metadata,
        labels: { ...node.metadata?.labels, ...metadata?.labels },
      };
      node.status = {
        ...node.status,
        ...status,
        conditions: mergeConditions(node.status?.conditions, status?.conditions),
      };
      return node;
    });
  }

  async #call<T>(call: string, answer: () => unknown): Promise<T> {
    try {
      await this.before(call);
      return structuredClone(answer()) as T;
    } finally {
      this.calls.push(call);
      for (const wake of this.#watchers.splice(0)) wake();
    }
  }

  #isLease(path: string): boolean {
    return path.includes("/leases");
  }
}

function found<T>(object: T | undefined): T {
  if (object === undefined) throw refusal(404, "NotFound");
  return object;
}

function mergeConditions(
  before: NodeCondition[] = [],
  patch: NodeCondition[] = [],
): NodeCondition[] {
  const types = new Set(patch.map(({ type }) => type));
  return [...before.filter(({ type }) => !types.has(type)), ...patch];
}
