import assert from "node:assert/strict";
import type { TokenReview } from "../api/types.ts";
import { bearerToken } from "./auth.ts";
import { reviewTokens } from "./token_review.ts";

function reviewWith(status: TokenReview["status"]): { asked: unknown[]; user: Promise<unknown> } {
  const asked: unknown[] = [];
  const create = <T>(path: string, body: unknown): Promise<T> => {
    asked.push(path, body);
    return Promise.resolve({ ...body as TokenReview, status } as T);
  };
  return { asked, user: reviewTokens({ create })("t") };
}

Deno.test("reviewTokens() asks the API server for itself", async () => {
  const extra = { "authentication.kubernetes.io/pod-name": ["p"] };
  const { asked, user } = reviewWith({
    authenticated: true,
    user: { username: "ada", uid: "u", groups: ["g"], extra },
  });
  assert.deepEqual(await user, { name: "ada", uid: "u", groups: ["g"], extra });
  assert.deepEqual(asked, ["/apis/authentication.k8s.io/v1/tokenreviews", {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    spec: { token: "t" },
  }]);
});

Deno.test("reviewTokens() takes everything but a clear yes for nobody", async () => {
  assert.equal(await reviewWith({ authenticated: false, user: { username: "a" } }).user, undefined);
  assert.equal(await reviewWith({ authenticated: true }).user, undefined);
  assert.equal(await reviewWith({ authenticated: true, user: { username: "" } }).user, undefined);
  assert.equal(await reviewWith(undefined).user, undefined);
});

Deno.test("bearerToken() is the token behind its scheme, and nothing else", () => {
  assert.equal(bearerToken("Bearer a.b-c_d~e+f/g=="), "a.b-c_d~e+f/g==");
  assert.equal(bearerToken("bearer  a "), "a");
  for (
    const header of [undefined, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "xBearer a"]
  ) {
    assert.equal(bearerToken(header), undefined, `${header}`);
  }
});
