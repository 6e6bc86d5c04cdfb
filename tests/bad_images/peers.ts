/**
 * Registries that are not there, are in trouble, or are none.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import type { BadImage, BadImages } from "./bad_image.ts";
import { type Answer, sendJson } from "./registry.ts";

/** An image of a repository that answers so. */
function answered(answer: Answer): Pick<BadImage, "image"> {
  return {
    image: ({ registry }, repo) => {
      registry.answers(repo, answer);
      return registry.image(repo);
    },
  };
}

function status(code: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => void response.writeHead(code, headers).end();
}

function flood(response: ServerResponse): void {
  const piece = new Uint8Array(1 << 20);
  response.on("drain", () => void response.write(piece));
  response.write(piece);
}

const away = "RegistryUnavailable";

/** Rows in which nothing of an image comes. */
export const PEERS: BadImages = {
  "no-such-host": {
    image: () => "registry.invalid/app:v1",
    reason: away,
    says:
      /the registry is unavailable: host "registry\.invalid" has no address .*is the name right/,
  },
  "refused": {
    // Nobody listens on the port for a service that was given up in the 1980s.
    image: () => "127.0.0.1:2/app:v1",
    reason: away,
    says: /host "127\.0\.0\.1:2" refuses connections: is it up, and is the port right\?/,
  },
  "hangs-up": {
    ...answered((request) => request.socket.destroy()),
    reason: away,
    says: /the connection to host "127\S+ broke: .*; look at its log, and at what is in between/,
  },
  "silent": {
    ...answered(() => {}),
    reason: away,
    says: /host "127\S+ was silent for 30 s; is it overloaded, or is a firewall in between\?/,
  },
  "slow-head": {
    // A slow loris: it always has one more byte.
    ...answered(({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nx-");
      const timer = setInterval(() => socket.write("x"), 500);
      socket.on("close", () => clearInterval(timer)).on("error", () => {});
    }),
    reason: away,
    says: /host "127\S+ was silent for 30 s; is it overloaded/,
  },
  "stalls": {
    ...answered((_, response) => void response.writeHead(200).write('{"schemaVersion":')),
    reason: away,
    says: /host "127\S+ was silent for 30 s; is it overloaded/,
  },
  "error-500": {
    ...answered(status(500)),
    reason: away,
    says: /registry "127\S+ is in trouble \(500\); try again later/,
  },
  "error-503": {
    ...answered(status(503, { "retry-after": "3600" })),
    reason: away,
    says: /registry "127\S+ is in trouble \(503\); try again later/,
  },
  "error-429": {
    ...answered((_, response) => {
      response.setHeader("retry-after", "3600");
      sendJson(response, 429, { errors: [{ code: "TOOMANYREQUESTS", message: "slow down" }] });
    }),
    says:
      /allows no more requests for now \(429\): it says "TOOMANYREQUESTS: slow down"; try again/,
  },
  "error-404": {
    image: ({ registry }, repo) => registry.image(repo),
    says: /has no manifest "v1" of ".*\/error-404" \(404\): .*; check the name and the tag/,
  },
  "error-405": {
    ...answered(status(405)),
    says:
      /registry "127\S+ does not allow this \(405\) when asked for manifest "v1".*is it a registry/,
  },
  "teapot": {
    ...answered(status(418)),
    says: /registry "127\S+ answered 418 when asked for manifest "v1" .*; is it a registry\?/,
  },
  "web-page": {
    ...answered((_, response) =>
      void response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in, please")
    ),
    says: /sent a web page instead of manifest .*; is it a registry, or is a log-in page/,
  },
  "redirects-in-circle": {
    ...answered((request, response) =>
      void response.writeHead(302, { location: request.url ?? "" }).end()
    ),
    says: /redirects more than 5 times; .*; is this a registry\?/,
  },
  "redirects-to-file": {
    ...answered(status(302, { location: "file:///etc/passwd" })),
    says: /redirects to something that is not a web address; is this a registry\?/,
  },
  "redirects-nowhere": {
    ...answered(status(302)),
    says: /answered 302 when asked for manifest "v1" .*; is it a registry\?/,
  },
  "redirects-to-http": {
    image: ({ registry, secure }, repo) => {
      secure.answers(
        repo,
        status(302, { location: `http://${registry.host}/v2/app/manifests/v1` }),
      );
      return secure.image(repo);
    },
    says: /redirects from HTTPS to plain HTTP at "127\S+; let it redirect to HTTPS/,
  },
  "packed": {
    ...answered((_, response) =>
      void response.writeHead(200, { "content-encoding": "gzip" })
        .end(gzipSync(new Uint8Array(1 << 24)))
    ),
    says: /packs its answer \(Content-Encoding\).*must send content as it is/,
  },
  "many-headers": {
    ...answered((_, response) => void response.setHeader("x-much", "y".repeat(8 << 20)).end()),
    says: /sent more headers than any registry needs; is this a registry\?/,
  },
  "endless": {
    ...answered((_, response) => flood(response)),
    says: /sent more than 4194304 bytes, the limit for a manifest; make it smaller/,
  },
  "control-characters": {
    ...answered((_, response) => {
      const message = `\u001b[2J\u0007\r\n${"x".repeat(9_999)}`;
      sendJson(response, 403, { errors: [{ code: "DENIED", message }] });
    }),
    says: /it says "DENIED: +\[2J +x{200,256}…"; name a Secret/,
  },
};
