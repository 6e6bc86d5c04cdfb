import assert from "node:assert/strict";
import type { KubeObject } from "../api/types.ts";
import { type Assignment, Controller } from "./controller.ts";

const object = (uid: string, name: string, resourceVersion = "1"): KubeObject => ({
  metadata: { uid, name, resourceVersion },
});

function recorded(): {
  controller: Controller<KubeObject>;
  assignments: Assignment<KubeObject>[];
  finish: (uid: string) => void;
} {
  const assignments: Assignment<KubeObject>[] = [];
  const endings = new Map<string, () => void>();
  const controller = new Controller<KubeObject>({
    onDefect: (_object, error) => {
      throw error;
    },
    work: (assignment) => {
      assignments.push(assignment);
      return new Promise((resolve) => endings.set(assignment.uid, resolve));
    },
  });
  return { controller, assignments, finish: (uid) => endings.get(uid)?.() };
}

Deno.test("Controller runs one worker per UID, also under one name", () => {
  const { controller, assignments } = recorded();
  controller.apply(object("a", "web"));
  controller.apply(object("a", "web", "2"));
  controller.apply(object("b", "web"));
  assert.deepEqual(assignments.map(({ uid }) => uid), ["a", "b"]);
  assert.equal(assignments[0]?.latest.value.metadata?.resourceVersion, "2");
});

Deno.test("Controller.sync() tells workers of objects that are not listed any more", () => {
  const { controller, assignments } = recorded();
  controller.sync([object("a", "one"), object("b", "two")]);
  controller.sync([object("b", "two")]);
  assert.deepEqual(assignments.map(({ gone }) => gone.aborted), [true, false]);
});

Deno.test("Controller does not start an object again whose worker has ended", async () => {
  const { controller, assignments, finish } = recorded();
  controller.apply(object("a", "one"));
  finish("a");
  await controller.idle();
  controller.apply(object("a", "one", "2"));
  assert.equal(assignments.length, 1);
  controller.remove(object("a", "one", "3"));
  assert.deepEqual(controller.objects(), []);
});

Deno.test("Controller tells of a worker that throws, and goes on with the others", async () => {
  const defects: unknown[] = [];
  const controller = new Controller<KubeObject>({
    work: ({ uid }) => uid === "bad" ? Promise.reject(new Error("broken")) : Promise.resolve(),
    onDefect: (_object, error) => defects.push(error),
  });
  controller.sync([object("bad", "one"), object("good", "two")]);
  await controller.idle();
  assert.match(String(defects), /broken/);
});
