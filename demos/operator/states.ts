/**
 * The life of a trial: its drawing, and one state for each name in it that is no end.
 *
 * @module
 */
import { type ApiClient, ApiError, listWatch, type Pod, podsPath } from "../../lib/mod.ts";
import type { Latest, Next, State, StateName, States } from "../../lib/krator/mod.ts";
import { judge, podOf, type Trial, type TrialStatus } from "./trial.ts";

// #region edges
/** Every arrow there is. What leads nowhere is an end. */
export const EDGES = {
  waiting: ["running", "judged", "left"],
  running: ["judging", "left"],
  judging: ["judged", "left"],
  judged: [],
  left: [],
} as const;
// #endregion edges

/** What the states of one trial share. */
export interface TrialContext {
  readonly client: ApiClient;
  /** The newest version of the trial. */
  readonly latest: Latest<Trial>;
  /** Found by `running` and written by `judging`. */
  verdict?: TrialStatus | undefined;
}

/** What may follow a state. */
type Then<Name extends StateName<typeof EDGES>> = Promise<Next<typeof EDGES, Name>>;
type TrialState<Name extends StateName<typeof EDGES>> = State<typeof EDGES, Name, TrialContext>;

/** The API of trials. */
export const TRIALS = "/apis/demos.krustlet.dev/v1alpha1";

// #region waiting
const waiting: TrialState<"waiting"> = {
  async run({ latest }, signal): Then<"waiting"> {
    // An operator that begins again finds trials that are over.
    if (latest.value.status?.verdict !== undefined) return "judged";
    while (latest.value.spec.paused === true && !signal.aborted) await latest.changed(signal);
    return signal.aborted ? "left" : "running";
  },
};
// #endregion waiting

// #region running
const running: TrialState<"running"> = {
  async run(context, signal): Then<"running"> {
    const { client, latest: { value: trial } } = context;
    const pod = podOf(trial);
    const path = podsPath(trial.metadata.namespace);
    try {
      await client.create(path, pod, { signal });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // 409: an operator before this one has made it. Any other refusal is the verdict.
      if (error.status !== 409) {
        context.verdict = { verdict: "Failed", message: error.message };
        return "judging";
      }
    }
    const fieldSelector = `metadata.name=${pod.metadata?.name}`;
    for await (const event of listWatch<Pod>(client, { path, fieldSelector, signal })) {
      const [seen] = event.type === "synced" ? event.items : [event.object];
      context.verdict = seen === undefined || event.type === "deleted"
        ? { verdict: "Failed", message: "Somebody deleted the pod" }
        : judge(trial.spec, seen);
      if (context.verdict !== undefined) return "judging";
    }
    return "left";
  },
};
// #endregion running

// #region judging
const judging: TrialState<"judging"> = {
  async run({ client, latest, verdict }, signal): Then<"judging"> {
    const { namespace, name } = latest.value.metadata;
    const path = `${TRIALS}/namespaces/${namespace}/trials/${name}/status`;
    await client.patch(path, { status: verdict }, { type: "merge", signal });
    return "judged";
  },
};
// #endregion judging

/** The work of each state. */
export const STATES: States<typeof EDGES, TrialContext> = { waiting, running, judging };
