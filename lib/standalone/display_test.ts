import assert from "node:assert/strict";
import type { ContainerState, ContainerStatus, Pod, PodStatus } from "../api/types.ts";
import { containerKey, Display, type Screen, stateWord, type Stream } from "./display.ts";

/** A screen that remembers what was written to it. */
class Recording implements Screen {
  readonly terminal: boolean;
  readonly colour: boolean;
  readonly width: number;
  readonly written: [stream: Stream, text: string][] = [];

  constructor({ terminal = false, colour = false, width = 80 } = {}) {
    this.terminal = terminal;
    this.colour = colour;
    this.width = width;
  }

  columns(): number {
    return this.width;
  }

  write(stream: Stream, bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    if (text !== "") this.written.push([stream, text]);
  }

  /** Everything of one stream, in one text. */
  text(stream: Stream): string {
    return this.written.filter(([to]) => to === stream).map(([, text]) => text).join("");
  }

  /** What a person sees of both streams in the end: movements of the cursor are carried out. */
  seen(): string {
    const lines = [""];
    const all = this.written.map(([, text]) => text).join("").replaceAll("\x1b[", "^[");
    for (const part of all.split(/(\^\[\d+A\^\[J|\n)/)) {
      const up = /^\^\[(\d+)A/.exec(part)?.[1];
      if (up !== undefined) lines.splice(lines.length - 1 - Number(up), Infinity, "");
      else if (part === "\n") lines.push("");
      else lines[lines.length - 1] += part;
    }
    return lines.join("\n");
  }
}

function pod(name: string, ...containers: string[]): Pod {
  return { metadata: { name }, spec: { containers: containers.map((name) => ({ name })) } };
}

function container(name: string, state: ContainerState, restartCount = 0): ContainerStatus {
  return {
    name,
    image: "i",
    imageID: "",
    ready: false,
    restartCount,
    state,
    lastState: restartCount === 0 ? {} : { terminated: { exitCode: 3 } },
  };
}

const RUNNING: ContainerState = { running: { startedAt: "2026-11-21T12:00:00Z" } };
const ENDED: ContainerState = { terminated: { exitCode: 3, reason: "Error" } };
const BACKING_OFF: ContainerState = { waiting: { reason: "CrashLoopBackOff" } };

const status = (...containerStatuses: ContainerStatus[]): PodStatus => ({ containerStatuses });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("stateWord() is a reason, an exit code, or Running", () => {
  assert.equal(stateWord(container("app", RUNNING)), "Running");
  assert.equal(stateWord(container("app", ENDED)), "Error (exit code 3)");
  assert.equal(
    stateWord(container("app", BACKING_OFF, 1)),
    "CrashLoopBackOff (last exit code 3)",
  );
  assert.equal(stateWord(container("app", {})), "Waiting");
});

Deno.test("Display passes the only container's output on as it is, each stream to its own", () => {
  const screen = new Recording();
  const display = new Display(screen, [pod("web", "app")]);
  display.line(containerKey("web", "app"), "stdout", bytes("one\n"));
  display.line(containerKey("web", "app"), "stderr", bytes("two\n"));
  display.note("Pulling");
  assert.deepEqual(screen.written, [
    ["stdout", "one\n"],
    ["stderr", "two\n"],
    ["stderr", "Pulling\n"],
  ]);
});

Deno.test("Display tells several containers apart by prefixes of one width", () => {
  const screen = new Recording();
  const one = new Display(screen, [pod("web", "app", "sidecar")]);
  one.line("web/app", "stdout", bytes("a\n"));
  one.line("web/sidecar", "stdout", bytes("b\n"));
  const two = new Display(screen, [pod("web", "app"), pod("db", "app")]);
  two.line("web/app", "stdout", bytes("c\n"));
  two.line("db/app", "stdout", bytes("d\n"));
  assert.equal(
    screen.text("stdout"),
    "app     | a\nsidecar | b\nweb/app | c\ndb/app  | d\n",
  );
});

Deno.test("Display says each state once in a pipe, and an ending only when it is told to", () => {
  const screen = new Recording();
  const display = new Display(screen, [pod("web", "app")]);
  display.status("web", status(container("app", { waiting: { reason: "ContainerCreating" } })));
  display.status("web", status(container("app", RUNNING)));
  display.status("web", status(container("app", RUNNING)));
  display.status("web", status(container("app", ENDED)));
  assert.equal(screen.text("stderr"), "web/app: Running\n");
  display.ended("web", container("app", ENDED));
  display.close();
  assert.equal(screen.text("stderr"), "web/app: Running\nweb/app: Error (exit code 3)\n");
  assert.equal(screen.text("stdout"), "");
});

Deno.test("Display shows what broke a guest, indented below its ending", () => {
  for (const terminal of [false, true]) {
    const screen = new Recording({ terminal });
    const display = new Display(screen, [pod("web", "app")]);
    const message = "unreachable\n  at main";
    display.ended(
      "web",
      container("app", { terminated: { exitCode: 134, reason: "Error", message } }),
    );
    assert.equal(
      screen.text("stderr"),
      "web/app: Error (exit code 134)\n  unreachable\n    at main\n",
    );
  }
});

Deno.test("Display keeps a table alive below the output on a terminal", () => {
  const screen = new Recording({ terminal: true });
  const display = new Display(screen, [pod("web", "app")]);
  display.status("web", status(container("app", RUNNING)));
  assert.equal(
    screen.seen(),
    "CONTAINER   STATE     RESTARTS\nweb/app     Running   0\n",
  );
  display.line("web/app", "stdout", bytes("one\n"));
  display.status("web", status(container("app", BACKING_OFF, 1)));
  display.line("web/app", "stdout", bytes("two\n"));
  display.close();
  assert.equal(
    screen.seen(),
    "app | one\napp | two\n" +
      "CONTAINER   STATE                                 RESTARTS\n" +
      "web/app     CrashLoopBackOff (last exit code 3)   1\n",
  );
});

Deno.test("Display leaves the last table standing after close()", () => {
  const screen = new Recording({ terminal: true });
  const display = new Display(screen, [pod("web", "app")]);
  display.status("web", status(container("app", RUNNING)));
  display.close();
  const table = screen.seen();
  display.note("bye");
  assert.ok(screen.seen().startsWith(`${table}bye\n`));
});

Deno.test("Display never writes a row that the terminal would wrap", () => {
  const screen = new Recording({ terminal: true, width: 30 });
  const display = new Display(screen, [pod("web", "app")]);
  display.status("web", status(container("app", BACKING_OFF, 1)));
  const widths = screen.seen().split("\n").map((line) => line.length);
  assert.deepEqual(widths, [29, 29, 0]);
});

Deno.test("Display colours prefixes only where colour is wanted", () => {
  const [plain, coloured] = [false, true].map((colour) => {
    const screen = new Recording({ terminal: true, colour });
    new Display(screen, [pod("web", "app")]).line("web/app", "stdout", bytes("one\n"));
    return screen.text("stdout");
  });
  assert.equal(plain, "app | one\n");
  assert.equal(coloured, "\x1b[36mapp | \x1b[0mone\n");
});
