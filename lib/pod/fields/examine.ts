/**
 * What a pod asks for that this node cannot give.
 *
 * @module
 */
import type { Pod } from "../../api/types.ts";
import type { Refusal, Schema } from "./rule.ts";
import { FIELD_TABLE } from "./table.ts";

/** What {@linkcode examineFields} has found. */
export interface FieldFindings {
  /** The first reason why the pod can never run here, and who gives it: `it` or `container "app"`. */
  readonly refusal?: Refusal & { readonly who: string };
  /** Fields without effect that whoever set them would miss, as `spec.containers{app}.ports[0].hostPort`. */
  readonly missed: readonly string[];
}

/** Looks at all fields of a pod, in the order of the table. Touches nothing. */
export function examineFields(pod: Pod): FieldFindings {
  const missed: string[] = [];
  let refusal: FieldFindings["refusal"];
  const look = (value: unknown, place: Place): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [field, rule] of Object.entries(FIELD_TABLE[place.of])) {
      const found: unknown = Reflect.get(value, field);
      if (found === undefined || found === null) continue;
      const path = `${place.path}.${field}`;
      const refused = rule.refuses?.(found);
      if (refused !== undefined && !place.late) refusal ??= { ...refused, who: place.who };
      else if (refused !== undefined || rule.misses?.(found) === true) missed.push(path);
      if (rule.of !== undefined) enter(found, { ...place, of: rule.of, path });
    }
  };
  const enter = (value: unknown, place: Place): void => {
    if (!Array.isArray(value)) return look(value, place);
    for (const [index, member] of value.entries()) look(member, inList(place, { member, index }));
  };
  enter(pod.spec, { of: "PodSpec", path: "spec", who: "it", late: false });
  return { missed, ...(refusal === undefined ? {} : { refusal }) };
}

/** A part of a pod, where it is, and whom it is said of. */
interface Place {
  readonly of: Schema;
  readonly path: string;
  readonly who: string;
  /** What was added to a pod that runs already: it must not end the pod at the agent's next start. */
  readonly late: boolean;
}

/** Containers and what else has a name go by it, as events do; the rest is counted. */
function inList(
  { of, path, who, late }: Place,
  { member, index }: { readonly member: unknown; readonly index: number },
): Place {
  const name: unknown = typeof member === "object" && member !== null
    ? Reflect.get(member, "name")
    : undefined;
  const isContainer = of === "Container" || of === "EphemeralContainer";
  return {
    of,
    path: isContainer ? `${path}{${name}}` : `${path}[${index}]`,
    who: isContainer ? `container "${name}"` : who,
    late: late || of === "EphemeralContainer",
  };
}
