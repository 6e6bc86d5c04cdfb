/**
 * A token that lies in a file and is replaced there before it expires.
 *
 * @module
 */

/** The file is read again when what we know is older: projected tokens live 10 minutes or more. */
export const TOKEN_AGE_MS_MAX = 60_000;

/**
 * Reads the token at once, so that a wrong path is told early, and gives a function that reads it
 * again when it is older than a minute. When that fails the token that is known is used on.
 */
export async function rereadToken(
  read: () => Promise<string>,
  now: () => number = () => performance.now(),
): Promise<() => Promise<string>> {
  let token = (await read()).trim();
  let readMs = now();
  return async (): Promise<string> => {
    if (now() - readMs < TOKEN_AGE_MS_MAX) return token;
    readMs = now();
    try {
      token = (await read()).trim();
    } catch {
      // The old token may still be good; if it is not, the server says so.
    }
    return token;
  };
}
