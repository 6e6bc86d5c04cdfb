/**
 * State machines whose arrows are a table that the compiler reads.
 *
 * The life of an object is drawn once, as a table of edges. Each state is one value that does its
 * work and names the next state; a name that the table does not allow from there does not compile.
 *
 * @module
 */

/** Every state and the states that may follow it. A state with no arrow is an end. */
export type Edges = Readonly<Record<string, readonly string[]>>;

/** The names of all states of a table. */
export type StateName<E extends Edges> = keyof E & string;

/** The states that may follow `From`. */
export type Next<E extends Edges, From extends StateName<E>> = E[From][number] & StateName<E>;

/** The states at which a life ends. */
export type EndName<E extends Edges> = {
  [Name in StateName<E>]: E[Name] extends readonly [] ? Name : never;
}[StateName<E>];

/** One state: the work that chooses the next arrow. */
export interface State<E extends Edges, Self extends StateName<E>, Context> {
  /**
   * Does the work of this state. The signal is the machine's interruption: after it has aborted,
   * the state may reject with anything, and the machine goes where an interruption leads.
   */
  run(context: Context, signal: AbortSignal): Promise<Next<E, Self>> | Next<E, Self>;
}

/** The work of every state that is not an end. */
export type States<E extends Edges, Context> = {
  readonly [Name in Exclude<StateName<E>, EndName<E>>]: State<E, Name, Context>;
};

/** What {@linkcode runMachine} needs. */
export interface MachineOptions<E extends Edges, Context> {
  /** The table; declared `as const`, so that the compiler reads it. */
  readonly edges: E;
  /** One state for each name of the table that is no end. */
  readonly states: States<E, Context>;
  /** Where the life begins. */
  readonly initial: StateName<E>;
  /** Handed to every state. */
  readonly context: Context;
  /**
   * Where the machine goes when the signal aborts while a state is at work that has an arrow
   * there. States without such an arrow are not disturbed: they see no abort.
   */
  readonly interrupt?: { readonly signal: AbortSignal; readonly to: StateName<E> };
  /** Called on entry of each state, the end included. */
  readonly onEnter?: (state: StateName<E>, context: Context) => void;
}

/** Runs from the initial state to an end, and returns the end's name. */
export async function runMachine<E extends Edges, Context>(
  options: MachineOptions<E, Context>,
): Promise<EndName<E>> {
  const { edges, context, interrupt, onEnter } = options;
  const states = options.states as Readonly<
    Record<string, State<E, StateName<E>, Context> | undefined>
  >;
  const never = new AbortController().signal;
  let name: StateName<E> = options.initial;
  for (;;) {
    onEnter?.(name, context);
    const state = states[name];
    if (state === undefined) return name as EndName<E>;
    const arrows = (edges as Edges)[name] ?? [];
    const open = interrupt !== undefined && arrows.includes(interrupt.to) ? interrupt : undefined;
    const next: string = await step(state, context, open, never);
    if (!arrows.includes(next)) {
      throw new Error(`Cannot go from state "${name}" to "${next}": there is no such edge`);
    }
    name = next as StateName<E>;
  }
}

async function step<E extends Edges, Context>(
  state: State<E, StateName<E>, Context>,
  context: Context,
  interrupt: { readonly signal: AbortSignal; readonly to: StateName<E> } | undefined,
  never: AbortSignal,
): Promise<string> {
  if (interrupt === undefined) return await state.run(context, never);
  if (interrupt.signal.aborted) return interrupt.to;
  try {
    return await state.run(context, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.to;
    throw error;
  }
}

/** The table as lines `from -> to`, for documentation. */
export function drawEdges(edges: Edges): string {
  return Object.entries(edges)
    .flatMap(([from, to]) =>
      to.length === 0 ? [`${from} -> (end)`] : [`${from} -> ${to.join(" | ")}`]
    )
    .join("\n");
}
