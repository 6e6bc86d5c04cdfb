import assert from "node:assert/strict";
import { isKubeletError } from "../errors.ts";
import type { RunControl } from "../provider.ts";
import { running, runOf } from "./_session.ts";
import { liveRun, type RunLifeOptions } from "./run_life.ts";
import { RunningContainers } from "./running.ts";
import type { ContainerServices } from "./services.ts";

const never = new AbortController().signal;
const place = { podUid: "uid", container: "app" };

function optionsFor(
  run: (control: RunControl) => Promise<void>,
  spec: Partial<RunLifeOptions["spec"]>,
): RunLifeOptions & { readonly all: RunningContainers } {
  const all = new RunningContainers();
  const services = {
    running: all,
    facts: { podIPs: [], hostIPs: [] },
    provider: {
      run: async (_run: unknown, control: RunControl) => {
        control.onStarted();
        await run(control);
        return { kind: "exited", code: 0 };
      },
    },
  } as unknown as ContainerServices;
  return {
    all,
    services,
    run: runOf(),
    image: running().image,
    pod: () => ({ metadata: { uid: "uid" } }),
    spec: { name: "app", image: "app:v1", ...spec },
    stop: never,
    leave: never,
    kill: never,
    replacing: never,
    onStarted: () => {},
    onHealth: () => {},
    tell: () => {},
  };
}

Deno.test("liveRun() has a container found while it runs, with its input, and not after", async () => {
  let read: string | undefined;
  const options = optionsFor(async ({ stdin }) => {
    const found = options.all.get(place);
    assert.equal(found.gone.aborted, false);
    void found.input?.take(new Blob(["typed"]).stream());
    const { value } = await stdin!.getReader().read();
    read = new TextDecoder().decode(value);
    gone = found.gone;
  }, { stdin: true });
  let gone: AbortSignal | undefined;
  await liveRun(options);
  assert.equal(read, "typed");
  assert.equal(gone?.aborted, true);
  assert.throws(() => options.all.get(place), (error) => isKubeletError(error, "no_container"));
});

Deno.test("liveRun() gives a container no input that asks for none", async () => {
  let stdin: unknown = "unset";
  const options = optionsFor((control) => {
    stdin = control.stdin;
    assert.equal(options.all.get(place).input, undefined);
    return Promise.resolve();
  }, {});
  await liveRun(options);
  assert.equal(stdin, undefined);
});
