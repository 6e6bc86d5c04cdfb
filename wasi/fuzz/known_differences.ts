/**
 * Where hosts differ, and why that may stay. Whoever adds to these lists says who is right.
 *
 * @module
 */
import { FDFLAG, OFLAG } from "../abi.ts";
import { type Difference, isSuccess, type Known } from "./compare.ts";

const { dsync, rsync, sync } = FDFLAG;

/** Between our own hosts. */
export const OWN_DIFFERENCES: readonly Known[] = [
  {
    why: "a directory is known by its path only, and that path names another one by now",
    fits: ({ theirs }) => theirs === "stale",
  },
  {
    why: "a directory is known by its path only, and that path names nothing by now",
    fits: ({ operation: { step }, theirs }) => step.call.startsWith("fd_") && theirs === "noent",
  },
  {
    why: "two things are wrong, with the old path and the new one, and the other one is told",
    fits: ({ operation: { step }, ours, theirs }) =>
      step.call === "path_link" && !isSuccess(ours) && !isSuccess(theirs),
  },
];

/** Between our hosts and wasmtime 48. */
export const WASMTIME_DIFFERENCES: readonly Known[] = [
  {
    why: "wasmtime opens nothing with dsync, rsync or sync; Linux does it",
    fits: (found) =>
      found.theirs === "notsup" && (opened(found).fdflags & (dsync | rsync | sync)) > 0,
  },
  {
    why: "wasmtime does not have fd_allocate; Linux does it",
    fits: ({ operation: { step }, theirs }) => step.call === "fd_allocate" && theirs === "notsup",
  },
  {
    why: "wasmtime refuses oflags that do not go together, where Linux ignores one of them",
    fits: (found) =>
      found.theirs === "inval" && (opened(found).oflags & (OFLAG.excl | OFLAG.trunc)) > 0,
  },
  {
    why: "wasmtime takes slashes and dots off the end of a path; POSIX wants a directory then",
    fits: ({ operation: { text } }) => /\/\.?"/.test(text),
  },
  {
    why: "a file that was opened to be cut can be written to in wasmtime, without the right to",
    fits: ({ operation: { step }, ours, theirs }) =>
      WRITING.includes(step.call) && (ours === "badf" || ours === "inval") && isSuccess(theirs),
  },
  {
    why: "two things are wrong, and the other one is told",
    fits: ({ operation: { step }, ours, theirs }) =>
      (step.call === "path_link" && !isSuccess(ours) && !isSuccess(theirs)) ||
      BOTH.some(([call, ...pair]) => step.call === call && pair[0] === ours && pair[1] === theirs),
  },
  {
    why: "wasmtime says badf for any use of the wrong kind of descriptor; POSIX says which",
    fits: ({ ours, theirs }) =>
      theirs === "badf" && ["isdir", "notdir", "notsup", "success"].includes(ours),
  },
  {
    why: "to write nothing goes to the end of a file that appends in wasmtime; Linux does nothing",
    fits: ({ operation: { step }, ours, theirs }) =>
      step.call === "fd_tell" && ours === "success 0" && isSuccess(theirs),
  },
  {
    why: "wasmtime does not read a link that leads out; to read it is no way out",
    fits: ({ operation: { step }, theirs }) => step.call === "path_readlink" && theirs === "perm",
  },
];

const WRITING: readonly string[] = ["fd_write", "fd_pwrite", "fd_filestat_set_size", "fd_allocate"];

const BOTH: readonly (readonly [call: string, ours: string, theirs: string])[] = [
  ["path_open", "notdir", "loop"],
  ["path_remove_directory", "notempty", "inval"],
  ["fd_filestat_set_times", "badf", "inval"],
];

/** The flags of a `path_open`; none for other calls. */
function opened({ operation: { step } }: Difference): { oflags: number; fdflags: number } {
  if (step.call !== "path_open") return { oflags: 0, fdflags: 0 };
  return { oflags: Number(step.args[4]), fdflags: Number(step.args[7]) };
}
