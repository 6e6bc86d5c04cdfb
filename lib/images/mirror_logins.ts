/**
 * Credentials for the mirrors of registries: the node's own, found by the mirror's name.
 *
 * @module
 */
import type { Keyring } from "./credentials/keyring.ts";
import { Flights } from "./flights.ts";
import type { Credential } from "./oci/credential.ts";
import { clean, PullFailure } from "./oci/failure.ts";
import type { MirrorLogin } from "./oci/places.ts";

/** Milliseconds that an answer counts: one image is many requests, and a helper is a program. */
export const LOGIN_MS = 60_000;
/** Milliseconds that a failure counts: a helper that hangs must not hold up every request. */
export const TROUBLE_MS = 10_000;
/** Answers that are remembered; each is for one repository. */
const LOGINS_MAX = 256;

/** What was found out, and until when it counts. */
interface Known {
  readonly login: Credential | undefined;
  readonly trouble?: PullFailure;
  readonly tillMs: number;
}

/**
 * Looks for a mirror's credential where the node's credentials are, never among a pod's own secrets:
 * those are for the registry that they name.
 */
export function mirrorLogins(
  keyring: Pick<Keyring, "find">,
  options: {
    /** Milliseconds of a clock that only goes on. @default {performance.now} */
    readonly nowMs?: () => number;
  } = {},
): MirrorLogin {
  const { nowMs = () => performance.now() } = options;
  const known = new Map<string, Known>();
  const asking = new Flights<Known>();
  return async (mirror, { signal }) => {
    const { registry, repository } = mirror;
    const key = `${registry}/${repository}`;
    let answer = known.get(key);
    if (answer === undefined || nowMs() >= answer.tillMs) {
      answer = await asking.join(key, signal, async (signal) => {
        const found = await ask(keyring, { registry, repository, signal });
        if (known.size >= LOGINS_MAX) known.clear();
        const ms = found.trouble === undefined ? LOGIN_MS : TROUBLE_MS;
        const answer = { ...found, tillMs: nowMs() + ms };
        known.set(key, answer);
        return answer;
      });
    }
    if (answer.trouble !== undefined) throw answer.trouble;
    return answer.login;
  };
}

async function ask(
  keyring: Pick<Keyring, "find">,
  { registry, repository, signal }: {
    readonly registry: string;
    readonly repository: string;
    readonly signal: AbortSignal;
  },
): Promise<Omit<Known, "tillMs">> {
  const found = await keyring.find({ registry, repository }, { secrets: [], signal });
  const [best] = found.credentials;
  const login = best?.credential;
  if (login !== undefined || found.troubles.length === 0) return { login };
  const troubles = found.troubles.map(clean).join("; ");
  const state = `no credentials can be found for mirror "${registry}": ${troubles}`;
  return { login, trouble: new PullFailure(state) };
}
