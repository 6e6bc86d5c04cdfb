/**
 * How a container's run ends, and the numbers that Kubernetes asks for.
 *
 * This is the only file that chooses an exit code which the guest did not choose itself.
 *
 * @module
 */

/** One ending of one run. A provider reports exactly one for each run. */
export type Exit =
  /** The guest ended on its own: `proc_exit(code)`, or a return from `_start` (code 0). */
  | { readonly kind: "exited"; readonly code: number }
  /** The guest is broken: a Wasm trap. `message` holds the trap and the Wasm stack. */
  | { readonly kind: "trapped"; readonly message: string }
  /** The guest was ended by the agent, as it was asked to. */
  | { readonly kind: "killed" }
  /** The guest reached its memory limit. */
  | { readonly kind: "out_of_memory"; readonly message: string }
  /** The guest's first instruction was never reached: a module that does not compile or link. */
  | { readonly kind: "start_error"; readonly message: string }
  /** The host process of the guest died without a word. */
  | { readonly kind: "crashed"; readonly message: string; readonly signal?: number }
  /** The agent ended while the guest ran, so nobody saw the ending. */
  | { readonly kind: "lost" };

/** What `state.terminated` of a container status says of an {@linkcode Exit}. */
export interface Termination {
  /** 0–255. */
  readonly exitCode: number;
  /** A kubelet's word: `Completed`, `Error`, `OOMKilled`, `StartError`, `ContainerStatusUnknown`. */
  readonly reason: string;
  /** Empty unless there is something to say. */
  readonly message: string;
  /** Present only when a signal of the operating system ended the host process. */
  readonly signal?: number;
}

/** 128 + SIGABRT: what a native program that trips over itself reports. */
const TRAPPED = 134;
/** 128 + SIGKILL. */
const KILLED = 137;
/** What container runtimes report when the program could not be executed. */
const START_ERROR = 128;

/** Translates an ending into Kubernetes' words and numbers. */
export function termination(exit: Exit): Termination {
  switch (exit.kind) {
    case "exited": {
      // A process has 8 bits for it; a failure must not look like success for that.
      const exitCode = (exit.code & 0xff) || (exit.code === 0 ? 0 : 1);
      return { exitCode, reason: exitCode === 0 ? "Completed" : "Error", message: "" };
    }
    case "trapped":
      return { exitCode: TRAPPED, reason: "Error", message: exit.message };
    case "killed":
      return { exitCode: KILLED, reason: "Error", message: "" };
    case "out_of_memory":
      return { exitCode: KILLED, reason: "OOMKilled", message: exit.message };
    case "start_error":
      return { exitCode: START_ERROR, reason: "StartError", message: exit.message };
    case "crashed":
      return {
        exitCode: exit.signal === undefined ? TRAPPED : 128 + exit.signal,
        reason: "Error",
        message: exit.message,
        ...(exit.signal === undefined ? {} : { signal: exit.signal }),
      };
    case "lost":
      return {
        exitCode: KILLED,
        reason: "ContainerStatusUnknown",
        message: "The node agent was restarted while the container ran, which ended the container",
      };
  }
}
