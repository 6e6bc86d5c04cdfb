/**
 * Registries that want credentials, and never have enough.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BadImage, BadImages, World } from "./bad_image.ts";
import { module, ownModule } from "./bad_image.ts";
import { type Answer, type BadRegistry, sendJson } from "./registry.ts";

/** What the pull secret says. */
export const USER = "ada";
/** Nothing that a person reads may ever hold it. */
export const PASSWORD = "lovelace: engine";

/** Sends everybody to the token server of the same repository, which answers so. */
function tokens(answer: Answer): Pick<BadImage, "image"> {
  return {
    image: ({ registry }, repo) => {
      registry.answers(repo, (request, response, serve) => {
        if (isToken(request)) answer(request, response, serve);
        else challenge(response, `Bearer realm="http://${registry.host}/v2/${repo}/token"`);
      });
      return registry.image(repo);
    },
  };
}

function isToken({ url = "" }: IncomingMessage): boolean {
  return /\/token(\?|$)/.test(url);
}

function challenge(response: ServerResponse, header: string): void {
  response.writeHead(401, { "www-authenticate": header }).end();
}

function asksBasic({ registry }: World, repo: string): string {
  registry.answers(repo, (_, response) => challenge(response, 'Basic realm="here"'));
  return registry.image(repo);
}

function forbids({ registry }: World, repo: string): string {
  registry.answers(repo, (request, response) => {
    if (request.headers.authorization === undefined) challenge(response, 'Basic realm="here"');
    else response.writeHead(403).end();
  });
  return registry.image(repo);
}

/** Lets in whoever has the pull secret's credentials, by a token, as the good side of the table. */
export function privateImage(world: World, repo: string): string {
  const { registry } = world;
  const password = `Basic ${btoa(`${USER}:${PASSWORD}`)}`;
  module(world, { repo, bytes: ownModule(world, repo) });
  registry.answers(repo, (request, response, serve) => {
    const { authorization } = request.headers;
    if (isToken(request)) {
      if (authorization === password) sendJson(response, 200, { token: repo, expires_in: 300 });
      else challenge(response, "Basic");
    } else if (authorization === `Bearer ${repo}`) serve();
    else askForToken(response, { registry, repo });
  });
  return registry.image(repo);
}

function askForToken(
  response: ServerResponse,
  { registry, repo }: { readonly registry: BadRegistry; readonly repo: string },
): void {
  challenge(response, `Bearer realm="http://${registry.host}/v2/${repo}/token",service="s"`);
}

/** A good image that only the pull secret's credentials open; the agent has it before all rows. */
export const PRIVATE = "good/private";

/** Rows about who is asking. */
export const TOKENS: BadImages = {
  "another-pods-image": {
    image: ({ registry }) => registry.image(PRIVATE),
    says: /asks for credentials \(401\); name a Secret of type kubernetes\.io\/dockerconfigjson/,
  },
  "no-credentials": {
    image: asksBasic,
    says: /asks for credentials \(401\); name a Secret of type kubernetes\.io\/dockerconfigjson/,
  },
  "wrong-password": {
    image: asksBasic,
    withSecret: true,
    says:
      /refuses the user and password of pull secret "\S*keys" .*\(401\); correct the credentials/,
  },
  "unknown-challenge": {
    image: ({ registry }, repo) => {
      registry.answers(repo, (_, response) => challenge(response, 'Negotiate realm="x"'));
      return registry.image(repo);
    },
    says: /asks for credentials \(401\); name a Secret of type/,
  },
  "no-right": {
    image: forbids,
    withSecret: true,
    says:
      /forbids manifest "v1" of "\S+ to the user of pull secret .*\(403\); grant that user read/,
  },
  "nobodys-right": {
    image: ({ registry }, repo) => {
      registry.answers(repo, (_, response) => void response.writeHead(403).end());
      return registry.image(repo);
    },
    says: /forbids manifest "v1" of "\S+ without credentials \(403\); name a Secret for "127/,
  },
  "token-endless": {
    ...tokens((_, response) => sendJson(response, 200, { token: "t", expires_in: 300 })),
    withSecret: true,
    says: /refuses the user and password of pull secret .*\(401\); correct the credentials/,
  },
  "token-for-nobody": {
    ...tokens((_, response) => challenge(response, "Basic")),
    says: /token server "127\S+ asks for credentials \(401\); name a Secret of type/,
  },
  "token-forbidden": {
    ...tokens((_, response) => void response.writeHead(403).end()),
    withSecret: true,
    says:
      /token server "127\S+ forbids a token for "\S+ to the user .*\(403\); grant that user read/,
  },
  "token-nowhere": {
    ...tokens((_, response) => void response.writeHead(404).end()),
    says: /token server "127\S+ gives no tokens at this address \(404\); correct the realm in the/,
  },
  "token-in-circle": {
    ...tokens((request, response) =>
      void response.writeHead(307, { location: request.url ?? "" }).end()
    ),
    says: /redirects more than 5 times; .*; is this a registry\?/,
  },
  "token-is-page": {
    ...tokens((_, response) => void response.end("<html>")),
    says: /token server "127\S+ sent something that is not JSON; is it one\?/,
  },
  "token-is-absent": {
    ...tokens((_, response) => sendJson(response, 200, { token: 7 })),
    says: /token server "127\S+ sent no usable token; look at its log/,
  },
  "token-is-huge": {
    ...tokens((_, response) => sendJson(response, 200, { token: "t".repeat(1 << 20) })),
    says: /sent more than 262144 bytes, the limit for a token; make it smaller/,
  },
  "token-elsewhere": {
    image: ({ secure }, repo) => {
      secure.answers(repo, (_, response) => challenge(response, 'Bearer realm="http://10.0.0.1/"'));
      return secure.image(repo);
    },
    says: /names a token server that is not an HTTPS address; correct the realm in its config/,
  },
  "token-in-trouble": {
    ...tokens((_, response) => void response.writeHead(502).end()),
    reason: "RegistryUnavailable",
    says: /token server "127\S+ is in trouble \(502\); try again later/,
  },
};
