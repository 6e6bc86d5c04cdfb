/**
 * Docker credential helpers: programs `docker-credential-<name>` that keep a user's logins.
 *
 * The protocol is that of the docker-credential-helpers project: `get`, the server on stdin, and one
 * JSON object on stdout.
 *
 * @module
 */
import type { Login } from "./docker_config.ts";
import { ask, NoAnswer } from "./program.ts";

/** The server that Docker has always called Docker Hub by. */
export const HUB_SERVER = "https://index.docker.io/v1/";

/** What a helper says that knows no login for a server, with exit code 1. */
const NOT_FOUND = "credentials not found in native keychain";
/** In place of a user's name it means that the secret is an identity token. */
const TOKEN_USER = "<token>";

/**
 * The login that a helper has for a registry; undefined if it has none.
 *
 * Throws a {@linkcode NoAnswer} whose message names the helper and nothing secret.
 */
export async function askHelper(
  name: string,
  options: { readonly server: string; readonly signal: AbortSignal; readonly msMax?: number },
): Promise<Login | undefined> {
  const { server, ...rest } = options;
  // A configuration names a suffix; with a path in it, it would name any program.
  if (!/^[\w.-]+$/.test(name)) return fail(name, "its name is not one");
  const program = `docker-credential-${name}`;
  const answer = await ask({ program, args: ["get"], stdin: server, ...rest })
    .catch((error) => {
      if (error instanceof NoAnswer) return fail(name, error.message);
      throw error;
    });
  if (answer.code !== 0) {
    if (answer.stdout.includes(NOT_FOUND)) return undefined;
    const words = answer.words === "" ? "" : `: ${answer.words}`;
    return fail(name, `it ended with code ${answer.code}${words}`);
  }
  return readAnswer(answer.stdout) ?? fail(name, "its answer has no Username and Secret");
}

function readAnswer(text: string): Login | undefined {
  let body: Record<string, unknown>;
  try {
    body = Object(JSON.parse(text));
  } catch {
    // The text is secret, and a JSON error quotes it.
    return undefined;
  }
  const { Username: username, Secret: secret } = body;
  if (typeof username !== "string" || typeof secret !== "string") return undefined;
  return username === TOKEN_USER
    ? { username: "", password: "", identityToken: secret }
    : { username, password: secret };
}

function fail(name: string, state: string): never {
  throw new NoAnswer(`credential helper "docker-credential-${name}" has failed: ${state}`);
}
