import { KubeletError } from "../../lib/mod.ts";

/**
 * What keeps containers apart:
 * - `process`: an operating-system process for each.
 * - `worker`: one process for all containers of the same module in the same namespace, and in it a
 *   Worker (thread and V8 isolate) for each. Less memory, and a thinner wall between those.
 */
export type Isolation = "process" | "worker";

/** Handlers of a RuntimeClass, and what they choose. */
const HANDLERS: Readonly<Record<string, Isolation>> = {
  krustlet: "process",
  "krustlet-process": "process",
  "krustlet-worker": "worker",
};

/** The handlers that this machine has. Workers can only be ended with Linux's help. */
export function handlersOf(libc: string | undefined): readonly string[] {
  const all = Object.keys(HANDLERS);
  return libc === undefined ? all.filter((name) => HANDLERS[name] === "process") : all;
}

/** The class that a handler chooses; without one it is `process`. Throws for an unknown one. */
export function isolationOf(handler: string | undefined): Isolation {
  if (handler === undefined) return "process";
  const isolation = Object.hasOwn(HANDLERS, handler) ? HANDLERS[handler] : undefined;
  if (isolation !== undefined) return isolation;
  throw new KubeletError(
    "container_start",
    `Cannot use runtime handler "${handler}": this node has ${Object.keys(HANDLERS).join(", ")}`,
  );
}
