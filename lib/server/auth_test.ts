import assert from "node:assert/strict";
import { HOUR_MS, WallClock } from "../_wall_clock.ts";
import type { IncomingMessage } from "node:http";
import {
  ALLOWED_MS,
  authenticate,
  type Authorize,
  DENIED_MS,
  type NodeAccess,
  rememberAnswers,
} from "./auth.ts";

const ACCESS: NodeAccess = { verb: "get", resource: "nodes", subresource: "proxy", name: "n" };
const USER = { name: "ada", groups: ["a"] };

/** Counts the questions, and answers as it is told. */
function counted(answer: () => Promise<boolean>): { authorize: Authorize; asked: () => number } {
  let asked = 0;
  return {
    authorize: () => {
      asked++;
      return answer();
    },
    asked: () => asked,
  };
}

Deno.test("rememberAnswers() believes a yes for five minutes, and a no for half a minute", async () => {
  for (const [allowed, ms] of [[true, ALLOWED_MS], [false, DENIED_MS]] as const) {
    let nowMs = 0;
    const { authorize, asked } = counted(() => Promise.resolve(allowed));
    const remember = rememberAnswers(authorize, () => nowMs);
    assert.equal(await remember(USER, ACCESS), allowed);
    nowMs = ms - 1;
    assert.equal(await remember(USER, ACCESS), allowed);
    assert.equal(asked(), 1);
    nowMs = ms;
    assert.equal(await remember(USER, ACCESS), allowed);
    assert.equal(asked(), 2);
  }
});

Deno.test("rememberAnswers() tells users, groups, verbs and sub-resources apart", async () => {
  const { authorize, asked } = counted(() => Promise.resolve(true));
  const remember = rememberAnswers(authorize);
  await remember(USER, ACCESS);
  await remember({ ...USER, name: "bob" }, ACCESS);
  await remember({ ...USER, groups: [] }, ACCESS);
  await remember(USER, { ...ACCESS, verb: "create" });
  await remember(USER, { ...ACCESS, subresource: "pods" });
  assert.equal(asked(), 5);
});

Deno.test("rememberAnswers() asks once for questions that come together", async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { authorize, asked } = counted(() => promise);
  const remember = rememberAnswers(authorize);
  const both = Promise.all([remember(USER, ACCESS), remember(USER, ACCESS)]);
  resolve(true);
  assert.deepEqual(await both, [true, true]);
  assert.equal(asked(), 1);
});

Deno.test("rememberAnswers() asks again what could not be asked", async () => {
  const { authorize, asked } = counted(() => Promise.reject(new Error("away")));
  const remember = rememberAnswers(authorize);
  await assert.rejects(remember(USER, ACCESS), /away/);
  await assert.rejects(remember(USER, ACCESS), /away/);
  assert.equal(asked(), 2);
});

Deno.test("rememberAnswers() forgets the oldest answer rather than to grow", async () => {
  const { authorize, asked } = counted(() => Promise.resolve(true));
  const remember = rememberAnswers(authorize);
  for (let i = 0; i <= 1_000; i++) await remember({ name: `user-${i}`, groups: [] }, ACCESS);
  await remember({ name: "user-1000", groups: [] }, ACCESS);
  assert.equal(asked(), 1_001);
  await remember({ name: "user-0", groups: [] }, ACCESS);
  assert.equal(asked(), 1_002);
});

Deno.test("rememberAnswers() goes by a clock that nobody sets", async () => {
  using clock = new WallClock();
  const { authorize, asked } = counted(() => Promise.resolve(true));
  const remember = rememberAnswers(authorize);
  await remember(USER, ACCESS);
  clock.jump(HOUR_MS);
  await remember(USER, ACCESS);
  assert.equal(asked(), 1);
});

Deno.test("authenticate() does not believe a certificate that has ended on an open connection", async () => {
  const userUntil = (valid_to: string): Promise<unknown> => {
    const certificate = { subject: { CN: "ada" }, valid_to };
    const socket = { authorized: true, getPeerCertificate: () => certificate };
    const request = { socket, headers: {} } as unknown as IncomingMessage;
    return authenticate(request, {
      tokens: { userOf: () => Promise.resolve(undefined) },
      certificates: { has: () => true },
    });
  };
  assert.deepEqual(await userUntil("Nov 22 23:07:39 2999 GMT"), { name: "ada", groups: [] });
  assert.equal(await userUntil("Nov 22 23:07:39 2009 GMT"), undefined);
  assert.equal(await userUntil("?"), undefined);
});
