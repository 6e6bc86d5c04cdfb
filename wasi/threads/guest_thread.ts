import { GuestMemory } from "../memory.ts";
import { isGrowthRefused } from "../module/growth_told.ts";
import { Exit, type Outcome } from "../guest/outcome.ts";
import { libcImports } from "./libc_imports.ts";
import { portableImports } from "./portable_imports.ts";
import { QuestionLine } from "./questions.ts";
import type { ThreadContext } from "./thread_context.ts";
import { ThreadLedger } from "./thread_ledger.ts";
import type { ThreadSetup, ThreadWord } from "./thread_setup.ts";

/** Runs threads of a guest, the first one first, until the guest has ended or none is waited for. */
export function runThreads(setup: ThreadSetup, say: (word: ThreadWord) => void): void {
  const ledger = new ThreadLedger(setup.ledger);
  const memory = new GuestMemory();
  memory.bind(setup.memory);
  const exit = new Exit();
  /** The thread that runs now, unless its start section does. */
  let instance: WebAssembly.Instance | undefined;
  const end = (outcome: Outcome): void => {
    const growthRefused = instance !== undefined && isGrowthRefused(instance.exports);
    if (ledger.end()) say({ word: "ended", outcome, growthRefused });
  };
  /** A thread has called `proc_exit`. It is told from here: deep in a guest's stack there may be no room. */
  let left = false;
  const imports = importsOf(setup, {
    memory,
    ledger,
    line: new QuestionLine(setup.line),
    leave: () => exit.leave(0),
    exit(code: number): never {
      left = true;
      return exit.leave(code);
    },
  });
  /** Each thread is an instance of its own; only the memory is shared. */
  const run = (start: (exports: WebAssembly.Exports) => void): void => {
    instance = undefined;
    const outcome = exit.observe(() => {
      instance = new WebAssembly.Instance(setup.module, imports);
      start(instance.exports);
    });
    if (left || outcome.kind === "trapped") end(outcome);
  };
  say({ word: "ready" });
  const { entry } = setup;
  if (entry !== undefined && !ledger.ended) {
    run((exports) => (exports[entry] as () => void)());
    end({ kind: "exited", code: 0 });
  }
  for (let thread = ledger.take(); thread !== undefined; thread = ledger.take()) {
    const { tid, argument } = thread;
    run((exports) => {
      (exports.wasi_thread_start as (tid: number, argument: number) => void)(tid, argument);
    });
    ledger.finish(tid);
  }
}

function importsOf(setup: ThreadSetup, context: ThreadContext): WebAssembly.Imports {
  const { system, memoryImport } = setup;
  const imports: Record<string, WebAssembly.ModuleImports> = {
    ...(system.kind === "libc"
      ? libcImports({ ...setup, system }, context)
      : portableImports(setup, context)),
    wasi: {
      "thread-spawn": (argument: number) => {
        if (context.ledger.ended) context.leave();
        return context.ledger.spawn(argument);
      },
    },
  };
  const { module, name } = memoryImport;
  imports[module] = { ...imports[module], [name]: setup.memory };
  return imports;
}
