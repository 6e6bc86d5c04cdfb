/**
 * Asks the API server who may do what with this node.
 *
 * @module
 */
import type { ApiClient } from "../api/client.ts";
import { subjectAccessReviewsPath } from "../api/paths.ts";
import type { SubjectAccessReview } from "../api/types.ts";
import type { Authorize, User } from "./auth.ts";

/** What is needed of the API client. */
export type ReviewApi = Pick<ApiClient, "create">;

/** Somebody waits for the answer. */
const REVIEW_MS_MAX = 10_000;

/** Authorizes by SubjectAccessReview, as a kubelet does in its webhook mode. */
export function reviewAccess(api: ReviewApi): Authorize {
  return async (user, { verb, resource, subresource, name }) => {
    const { uid, extra } = user;
    const review: SubjectAccessReview = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: user.name,
        ...(uid === undefined ? {} : { uid }),
        // The API server adds this group to everybody whom it has authenticated itself.
        groups: [...new Set([...user.groups, "system:authenticated"])],
        ...(extra === undefined ? {} : { extra: mutable(extra) }),
        resourceAttributes: { verb, version: "v1", resource, subresource, name },
      },
    };
    const path = subjectAccessReviewsPath();
    const { status } = await api.create<SubjectAccessReview>(path, review, {
      timeoutMs: REVIEW_MS_MAX,
    });
    return status?.allowed === true && status.denied !== true;
  };
}

function mutable(extra: NonNullable<User["extra"]>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
}
