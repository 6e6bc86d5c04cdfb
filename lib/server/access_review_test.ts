import assert from "node:assert/strict";
import type { SubjectAccessReview } from "../api/types.ts";
import { reviewAccess } from "./access_review.ts";
import type { NodeAccess } from "./auth.ts";

const ACCESS: NodeAccess = { verb: "get", resource: "nodes", subresource: "proxy", name: "n" };

function reviewWith(
  status: SubjectAccessReview["status"],
): { asked: unknown[]; allowed: Promise<boolean> } {
  const asked: unknown[] = [];
  const create = <T>(path: string, body: unknown): Promise<T> => {
    asked.push(path, body);
    return Promise.resolve({ ...body as SubjectAccessReview, status } as T);
  };
  return { asked, allowed: reviewAccess({ create })({ name: "ada", groups: ["g"] }, ACCESS) };
}

Deno.test("reviewAccess() asks for a node's sub-resource in the user's name", async () => {
  const { asked, allowed } = reviewWith({ allowed: true });
  assert.equal(await allowed, true);
  assert.deepEqual(asked, ["/apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: "ada",
      groups: ["g", "system:authenticated"],
      resourceAttributes: {
        verb: "get",
        version: "v1",
        resource: "nodes",
        subresource: "proxy",
        name: "n",
      },
    },
  }]);
});

Deno.test("reviewAccess() takes everything but a clear yes for a no", async () => {
  assert.equal(await reviewWith({ allowed: false }).allowed, false);
  assert.equal(await reviewWith({ allowed: true, denied: true }).allowed, false);
  assert.equal(await reviewWith(undefined).allowed, false);
});
