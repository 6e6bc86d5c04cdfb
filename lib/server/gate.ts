/**
 * Lets callers in, or says why not.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import {
  authenticate,
  type AuthenticateToken,
  type Authorize,
  rememberAnswers,
  type User,
} from "./auth.ts";
import type { PeerCertificates } from "./peer_certificates.ts";
import { accessFor } from "./routes.ts";
import { Tokens } from "./tokens.ts";

/** Whom the gate asks. */
export interface GateOptions {
  readonly nodeName: string;
  /** Asks the cluster; its answers are remembered here. */
  readonly authorize: Authorize;
  /** Asks the cluster about bearer tokens; its answers are remembered here. */
  readonly authenticateToken: AuthenticateToken;
}

/** An answer without the thing that was asked for. */
export interface Refusal {
  readonly status: number;
  readonly text: string;
}

const log = getLogger(["krustlet", "server"]);
/** How long nothing more is said of tokens that the cluster could not be asked about. */
const QUIET_MS = 10_000;

/** Closed to strangers, to whom the cluster refuses, and to everybody while it cannot be asked. */
export class Gate {
  readonly #nodeName: string;
  readonly #authorize: Authorize;
  readonly #tokens: Tokens;
  #quietUntilMs = 0;
  readonly #certificates: Pick<PeerCertificates, "has">;

  constructor(
    { nodeName, authorize, authenticateToken }: GateOptions,
    certificates: Pick<PeerCertificates, "has">,
  ) {
    this.#nodeName = nodeName;
    this.#certificates = certificates;
    this.#authorize = rememberAnswers(authorize);
    this.#tokens = new Tokens(authenticateToken);
  }

  /** `undefined` if who sends the request may do what it asks for. */
  async refusal(
    request: IncomingMessage,
    asked: { readonly method: string; readonly path: string },
  ): Promise<Refusal | undefined> {
    const user = await this.#userOf(request);
    if (user === undefined) return { status: 401, text: "Unauthorized" };
    const accesses = accessFor(asked, this.#nodeName);
    const subresources = accesses.map(({ subresource }) => subresource).join(" ");
    const words = `user=${user.name}, verb=${accesses[0]?.verb}, resource=nodes, ` +
      `subresource(s)=[${subresources}]`;
    try {
      for (const access of accesses) {
        if (await this.#authorize(user, access)) return undefined;
      }
    } catch (error) {
      log.warning("Cannot ask who may reach this node: {error}", { error: messageOf(error) });
      return { status: 500, text: `Authorization error (${words})` };
    }
    return { status: 403, text: `Forbidden (${words})` };
  }

  /** A token that the cluster cannot be asked about is nobody's. */
  async #userOf(request: IncomingMessage): Promise<User | undefined> {
    try {
      return await authenticate(request, {
        tokens: this.#tokens,
        certificates: this.#certificates,
      });
    } catch (error) {
      this.#tellTokenTrouble(messageOf(error));
      return undefined;
    }
  }

  /** Strangers must not fill the agent's log. */
  #tellTokenTrouble(error: string): void {
    const nowMs = performance.now();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + QUIET_MS;
    log.warning("Cannot ask whose token it is: {error}", { error });
  }
}
