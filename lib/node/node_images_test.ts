import assert from "node:assert/strict";
import { describeImages } from "./node_images.ts";

const image = (name: string, sizeBytes: number, tags: readonly string[] = []) => ({
  imageId: `r.io/${name}@sha256:0`,
  tags,
  sizeBytes,
});

Deno.test("describeImages() names the largest images first, and no more than it may", () => {
  const images = [image("b", 1), image("a", 1), image("big", 9, ["r.io/big:1", "r.io/big:2"])];
  assert.deepEqual(describeImages(images, 2), [
    { names: ["r.io/big@sha256:0", "r.io/big:1", "r.io/big:2"], sizeBytes: 9 },
    { names: ["r.io/a@sha256:0"], sizeBytes: 1 },
  ]);
  assert.equal(describeImages(images, -1).length, 3);
  assert.deepEqual(describeImages(images, 0), []);
});

Deno.test("describeImages() gives an image five names at most", () => {
  const [{ names }] = describeImages([image("a", 1, ["1", "2", "3", "4", "5"])], 50) as [
    { names: string[] },
  ];
  assert.deepEqual(names, ["r.io/a@sha256:0", "1", "2", "3", "4"]);
});
