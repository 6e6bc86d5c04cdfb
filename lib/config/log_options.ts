/**
 * Options for the logs of containers. Names and defaults are a kubelet's.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { parseQuantity, quantityBytes } from "../quantity.ts";
import { integer, textKind } from "./kinds.ts";
import { defineOptions, type Kind, type OptionValues } from "./option.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** A file must have room for the longest record, or each would have a file of its own. */
const LOG_BYTES_MIN = 32 * KIB;
/** More is a slip of the pen: nobody reads such a file. */
const LOG_BYTES_MAX = 1024 * 1024 * MIB;
/** With a single file, what was written last would be gone at each rotation: a kubelet's own rule. */
const LOG_FILES_MIN = 2;
/** Each is looked at when one is rotated. */
const LOG_FILES_MAX = 1_000;

const bytes: Kind<number> = {
  ...textKind("QUANTITY", "a quantity as 10Mi, from 32Ki to 1Ti", (text) => {
    const value = bytesOf(text);
    if (value < LOG_BYTES_MIN || value > LOG_BYTES_MAX) throw new RangeError("it is out of range");
    return value;
  }),
  toText(value): string {
    if (value % MIB === 0) return `${value / MIB}Mi`;
    return value % KIB === 0 ? `${value / KIB}Ki` : String(value);
  },
};

/** Options of the node agent. */
export const LOG_OPTIONS = defineOptions({
  containerLogMaxBytes: {
    flag: "container-log-max-size",
    env: "KRUSTLET_CONTAINER_LOG_MAX_SIZE",
    key: "containerLogMaxSize",
    kind: bytes,
    default: 10 * MIB,
    help: "Size from which on the log file of a container is moved aside.",
    group: "Storage",
  },
  containerLogMaxFiles: {
    flag: "container-log-max-files",
    env: "KRUSTLET_CONTAINER_LOG_MAX_FILES",
    key: "containerLogMaxFiles",
    kind: integer(LOG_FILES_MIN, LOG_FILES_MAX),
    default: 5,
    help: "How many log files of a container's run are kept, the newest included.",
    group: "Storage",
  },
});

/** How much the logs of a container may take. */
export interface LogSettings {
  /** Bounds of the log of one run. */
  readonly containerLogs: {
    /** Size of a file before it is moved aside, in bytes. */
    readonly bytesMax: number;
    /** Files that are kept, the newest included. */
    readonly filesMax: number;
  };
}

/** The settings that follow from the options. */
export function logSettings(values: OptionValues<typeof LOG_OPTIONS>): LogSettings {
  const { containerLogMaxBytes: bytesMax, containerLogMaxFiles: filesMax } = values;
  return { containerLogs: { bytesMax, filesMax } };
}

function bytesOf(text: string): number {
  try {
    return quantityBytes(parseQuantity(text));
  } catch (error) {
    throw new RangeError(messageOf(error));
  }
}
