import { type BuiltinCall, messageOf, pathOf, Trouble } from "../call.ts";
import { fileSink, fileSource, NOTHING, NOWHERE, type Sink, type Source } from "../streams.ts";
import { LineInput } from "./line_input.ts";
import type { Streams } from "./state.ts";
import type { Redirect, Word } from "./syntax.ts";

/** What {@linkcode redirected} works with. */
export interface Redirecting extends Pick<BuiltinCall, "view" | "cwd"> {
  /** Gets what was opened; the caller closes it, also if this throws. */
  readonly opened: (Source | Sink)[];
  expand(word: Word): Promise<string>;
}

/** The streams of a command, as its redirections change them, from left to right. */
export async function redirected(
  redirects: readonly Redirect[],
  streams: Streams,
  { opened, expand, ...files }: Redirecting,
): Promise<Streams> {
  let own = streams;
  for (const { fd, how, target } of redirects) {
    const name = await expand(target);
    const stream = how === ">&" ? named(own, name) : open(files, name, how);
    if (how !== ">&") opened.push(stream);
    own = replaced(own, fd, stream);
  }
  return own;
}

function open(
  files: Pick<BuiltinCall, "view" | "cwd">,
  name: string,
  how: "<" | ">" | ">>",
): Source | Sink {
  // There are no devices in a container's view; this one is in every script.
  if (name === "/dev/null") return how === "<" ? NOTHING : NOWHERE;
  const path = pathOf(files, name);
  try {
    if (how === "<") return fileSource(files.view.open(path));
    const options = { write: true, create: true, append: how === ">>", truncate: how === ">" };
    return fileSink(files.view.open(path, options));
  } catch (error) {
    throw new Trouble(`cannot open "${name}": ${messageOf(error)}`);
  }
}

function named(streams: Streams, number: string): Source | Sink {
  const stream = new Map<string, Source | Sink>([
    ["0", streams.stdin],
    ["1", streams.stdout],
    ["2", streams.stderr],
  ]).get(number);
  if (stream === undefined) throw new Trouble(`cannot redirect to descriptor "${number}"`);
  return stream;
}

function replaced(streams: Streams, fd: number, stream: Source | Sink): Streams {
  if (fd === 0 && "read" in stream) {
    return { ...streams, stdin: stream instanceof LineInput ? stream : new LineInput(stream) };
  }
  if (fd === 1 && "write" in stream) return { ...streams, stdout: stream };
  if (fd === 2 && "write" in stream) return { ...streams, stderr: stream };
  throw new Trouble(`cannot redirect descriptor ${fd}`);
}
