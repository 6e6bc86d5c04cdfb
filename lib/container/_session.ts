/** Parts of the tests of sessions: a peer that types and reads, and containers that run. */
import type { Container } from "../api/types.ts";
import type { ContainerRun } from "../provider.ts";
import { ContainerInput } from "./input.ts";
import type { Running } from "./running.ts";
import type { Session } from "./session.ts";

const encoder = new TextEncoder();

/** The other side of a session. */
export class Peer {
  readonly session: Session;
  readonly said = { stdout: "", stderr: "" };
  readonly #closed = new AbortController();
  readonly #typing: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #waiting: (() => void)[] = [];
  /** While it is set, nothing is read. */
  holding: Promise<void> | undefined;

  constructor(
    { stdin = false, tty = false, size }: {
      readonly stdin?: boolean;
      readonly tty?: boolean;
      readonly size?: { readonly width: number; readonly height: number };
    } = {},
  ) {
    const typed = new TransformStream<Uint8Array, Uint8Array>();
    if (stdin) this.#typing = typed.writable.getWriter();
    const output = (name: "stdout" | "stderr"): NonNullable<Session["stdout"]> => ({
      write: async (bytes) => {
        await this.holding;
        if (this.#closed.signal.aborted) throw new Error("closed");
        this.said[name] += new TextDecoder().decode(bytes);
        for (const wake of this.#waiting.splice(0)) wake();
      },
    });
    this.session = {
      stdin: stdin ? typed.readable : undefined,
      stdout: output("stdout"),
      stderr: tty ? undefined : output("stderr"),
      resizes: ReadableStream.from(size === undefined ? [] : [size]),
      closed: this.#closed.signal,
    };
  }

  async type(text: string): Promise<void> {
    await this.#typing?.write(encoder.encode(text));
  }

  async endInput(): Promise<void> {
    await this.#typing?.close();
  }

  /** Waits until all of its stdout is this. */
  async hears(text: string): Promise<void> {
    while (this.said.stdout !== text) {
      if (!text.startsWith(this.said.stdout)) {
        throw new Error(
          `Heard ${JSON.stringify(this.said.stdout)} and not ${JSON.stringify(text)}`,
        );
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  leave(): void {
    this.#closed.abort();
  }
}

/** A run of an image with a module and nothing else, called `app`. */
export function runOf(changes: Partial<ContainerRun> = {}): ContainerRun {
  return {
    id: "1".repeat(64),
    pod: { uid: "uid", namespace: "default", name: "web" },
    container: "app",
    attempt: 0,
    module: { path: "/images/app", digest: "sha256:0" },
    argv: ["app.wasm"],
    env: { KEPT: "yes" },
    rootPath: "/root",
    mounts: [],
    logPath: "/none/0.log",
    limits: {},
    ...changes,
  };
}

/** What {@linkcode running} changes. */
export interface RunningChanges {
  readonly run?: Partial<ContainerRun>;
  readonly spec?: Partial<Container>;
  readonly image?: Partial<Running["image"]>;
  readonly gone?: AbortSignal;
}

/** A container that runs. */
export function running({ run, spec, image, gone }: RunningChanges = {}): Running {
  const whole = { name: "app", image: "app:v1", ...spec };
  return {
    run: runOf(run),
    spec: whole,
    image: {
      image: "app:v1",
      imageId: "app@sha256:0",
      module: { path: "/images/app", digest: "sha256:0" },
      moduleName: "app.wasm",
      imageEnv: {},
      ...image,
    } as Running["image"],
    input: whole.stdin === true
      ? new ContainerInput({ once: whole.stdinOnce === true })
      : undefined,
    gone: gone ?? new AbortController().signal,
  };
}
