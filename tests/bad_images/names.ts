/**
 * Names that are none, and images that this node may not have.
 *
 * @module
 */
import type { BadImages } from "./bad_image.ts";

const localRefused = /takes images from registries only; .*--x-allow-local-modules true/;

/** Rows for which no registry is asked. */
export const NAMES: BadImages = {
  "upper-case": {
    image: ({ registry }) => `${registry.host}/Hello/App:v1`,
    reason: "InvalidImageName",
    says: /repository "Hello\/App" must be lower case/,
  },
  "empty-part": {
    image: ({ registry }) => `${registry.host}/a//b:v1`,
    reason: "InvalidImageName",
    says: /repository part "" must be lower-case letters and digits/,
  },
  "odd-tag": {
    image: ({ registry }) => `${registry.host}/app:.v1`,
    reason: "InvalidImageName",
    says: /tag "\.v1" must be 1–128 letters, digits/,
  },
  "short-digest": {
    image: ({ registry }) => `${registry.host}/app@sha256:beef`,
    reason: "InvalidImageName",
    says: /digest .*64/,
  },
  "old-digest": {
    image: ({ registry }) => `${registry.host}/app@md5:${"0".repeat(32)}`,
    reason: "InvalidImageName",
    says: /digest .*sha256/,
  },
  "bare-id": {
    image: () => "a".repeat(64),
    reason: "InvalidImageName",
    says: /64 hexadecimal digits are an id, not a name/,
  },
  "long-name": {
    image: ({ registry }) => `${registry.host}/${"a".repeat(300)}`,
    reason: "InvalidImageName",
    says: /its repository is longer than \d+ characters/,
  },
  "never": {
    image: ({ registry }, repo) => registry.image(repo),
    imagePullPolicy: "Never",
    reason: "ErrImageNeverPull",
    says: /is not on this node, and imagePullPolicy Never .*; bring it there by krustlet pull/,
  },
  "local-file": { image: () => "file:///etc/passwd", says: localRefused },
  "local-krustlet": { image: () => "fs//etc/passwd", says: localRefused },
  "local-layout": { image: () => "oci:/etc:v1", says: localRefused },
};
