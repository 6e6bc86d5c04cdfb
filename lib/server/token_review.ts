/**
 * Asks the API server whose token it is.
 *
 * @module
 */
import { tokenReviewsPath } from "../api/paths.ts";
import type { TokenReview } from "../api/types.ts";
import type { ReviewApi } from "./access_review.ts";
import type { AuthenticateToken } from "./auth.ts";

/** Somebody waits for the answer. */
const REVIEW_MS_MAX = 10_000;

/** Authenticates by TokenReview, as a kubelet does in its webhook mode: for the API server's own audience. */
export function reviewTokens(api: ReviewApi): AuthenticateToken {
  return async (token) => {
    const review: TokenReview = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token },
    };
    const { status } = await api.create<TokenReview>(tokenReviewsPath(), review, {
      timeoutMs: REVIEW_MS_MAX,
    });
    if (status?.authenticated !== true || !status.user?.username) return undefined;
    const { username, groups = [], uid, extra } = status.user;
    return {
      name: username,
      groups,
      ...(uid === undefined ? {} : { uid }),
      ...(extra === undefined ? {} : { extra }),
    };
  };
}
