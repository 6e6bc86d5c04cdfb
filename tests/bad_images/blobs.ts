/**
 * Blobs that are not what their manifest says, and modules that are none.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import {
  artifact,
  type BadImage,
  type BadImages,
  module,
  ownModule,
  WASM_LAYER,
} from "./bad_image.ts";
import { type Answer, digestOf } from "./registry.ts";

type BlobAnswer = (
  blob: Uint8Array,
  ...[request, response, serve]: Parameters<Answer>
) => void;

/** A good artifact, whose module is answered so. */
function sends(answer: BlobAnswer): Pick<BadImage, "image"> {
  return {
    image: (world, repo) => {
      const bytes = ownModule(world, repo);
      const image = module(world, { repo, bytes });
      world.registry.answers(repo, (request, response, serve) => {
        if (isFor(request, bytes)) answer(bytes, request, response, serve);
        else serve();
      });
      return image;
    },
  };
}

function isFor({ url = "" }: IncomingMessage, bytes: Uint8Array): boolean {
  return url.endsWith(`/blobs/${digestOf(bytes)}`);
}

/** An artifact whose module is this. */
function holds(bytes: Uint8Array | string): Pick<BadImage, "image"> {
  return { image: (world, repo) => module(world, { repo, bytes }) };
}

/** Rows that fail at a blob. */
export const BLOBS: BadImages = {
  "layer-missing": {
    ...sends((_, __, response) => void response.writeHead(404).end()),
    says: /has no blob "sha256:\S+" of "\S+" \(404\); not all of the image is there: push it again/,
  },
  "layer-forbidden": {
    ...sends((_, __, response) => void response.writeHead(403).end()),
    says: /forbids blob "sha256:\S+" of "\S+" without credentials \(403\); name a Secret/,
  },
  "layer-error": {
    ...sends((_, __, response) => void response.writeHead(500).end()),
    reason: "RegistryUnavailable",
    says: /is in trouble \(500\); try again later/,
  },
  "layer-in-circle": {
    ...sends((_, request, response) =>
      void response.writeHead(307, { location: request.url ?? "" }).end()
    ),
    says: /redirects more than 5 times; .*; is this a registry\?/,
  },
  "cut-off": {
    ...sends((blob, _, response) => {
      response.writeHead(200, { "content-length": blob.length });
      response.write(blob.subarray(0, 100), () => response.destroy());
    }),
    reason: "RegistryUnavailable",
    says: /the connection to host "127\S+ broke: .*; look at its log, and at what is in between/,
  },
  "too-short": {
    ...sends((blob, _, response) => void response.end(blob.subarray(0, 100))),
    says: /sent 100 of \d+ bytes: the rest is missing; push the image again/,
  },
  "too-long": {
    ...sends((blob, _, response) => {
      response.write(blob);
      response.end("and more");
    }),
    says: /sent more than the \d+ bytes that the manifest names; push the image again/,
  },
  "changed": {
    ...sends((blob, _, response) => void response.end(blob.map((byte) => byte ^ 1))),
    says: /digest mismatch: registry "127\S+ sent content with digest .*: push it again/,
  },
  "config-changed": {
    image: (world, repo) => {
      const { registry } = world;
      const image = module(world, { repo, bytes: ownModule(world, repo), config: { repo } });
      const config = new TextEncoder().encode(JSON.stringify({ repo }));
      registry.answers(repo, (request, response, serve) => {
        if (isFor(request, config)) response.end("{}");
        else serve();
      });
      return image;
    },
    says: /digest mismatch: registry "127\S+ sent a blob with digest .*: push it again/,
  },
  "lies-about-size": {
    // The blob is another image's own, which must not lose it.
    image: (world, repo) => {
      const { registry, hello } = world;
      const { digest, mediaType, size } = registry.blob(hello, WASM_LAYER);
      registry.manifest(repo, artifact(registry, [{ digest, mediaType, size: size - 1 }]));
      return registry.image(repo);
    },
    says: /sent more than the \d+ bytes that the manifest names; push the image again/,
  },
  "empty": { ...holds(""), says: /not a WebAssembly module: it is empty; what is wanted is/ },
  "text": {
    ...holds("#!/bin/sh\necho hello\n"),
    says: /not a WebAssembly module: it begins with 23 21 .*; what is wanted is the \.wasm file/,
  },
  "wat": {
    ...holds("(module (memory 1))"),
    says: /it is WebAssembly text \(WAT\); translate it with wat2wasm/,
  },
  "gzip": {
    ...holds(gzipSync("a module, perhaps")),
    says: /it is compressed with gzip; what is wanted is the \.wasm file/,
  },
  "native": {
    ...holds("\x7fELF\x02\x01\x01\0 and so on"),
    says:
      /it is native code \(ELF\), .*never accepted: .*; push the \.wasm file that it was made of/,
  },
  "of-the-future": {
    ...holds("\0asm\x63\0\0\0"),
    says: /it is of an unknown WebAssembly version; build it for version 1/,
  },
  "hidden-component": {
    ...holds("\0asm\x0d\0\x01\0"),
    reason: "UnsupportedImage",
    says: /it is a component .*; build it for WASI preview 1/,
  },
};
