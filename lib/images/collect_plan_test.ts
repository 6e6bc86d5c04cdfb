import assert from "node:assert/strict";
import fc from "fast-check";
import { COLLECTION_DEFAULTS, type CollectionPlan, planCollection } from "./collect_plan.ts";
import type { StoredImage } from "./store/inventory.ts";

const NOW_MS = 1_000_000_000;
const HOUR_MS = 3_600_000;

function image(imageId: string, usedAgoMs: number, more: Partial<StoredImage> = {}): StoredImage {
  const lastMs = NOW_MS - usedAgoMs;
  return { imageId, tags: [], sizeBytes: 10, firstMs: 0, lastMs, ...more };
}

function plan(
  images: readonly StoredImage[],
  {
    usedBytes = 90,
    maxAgeMs = 0,
    highPercent = 85,
    inUse = [] as readonly string[],
    urgent = false,
  } = {},
): CollectionPlan {
  return planCollection(images, {
    policy: { ...COLLECTION_DEFAULTS, maxAgeMs, highPercent },
    disk: { bytes: 100, availableBytes: 100 - usedBytes },
    inUse: new Set(inUse),
    nowMs: NOW_MS,
    urgent,
  });
}

const ids = (images: readonly StoredImage[]): string[] => images.map(({ imageId }) => imageId);

Deno.test("planCollection() frees down to the low mark from the high mark on", () => {
  const images = [image("a", HOUR_MS)];
  assert.equal(plan(images, { usedBytes: 84 }).bytesToFree, 0);
  assert.equal(plan(images, { usedBytes: 85 }).bytesToFree, 5);
  assert.equal(plan(images, { usedBytes: 97 }).bytesToFree, 17);
  assert.equal(plan(images, { usedBytes: 97 }).usedPercent, 97);
  assert.equal(plan(images, { usedBytes: 100, highPercent: 100 }).bytesToFree, 0);
});

Deno.test("planCollection() begins with the image that was not used for longest", () => {
  const images = [
    image("b", 2 * HOUR_MS, { firstMs: 2 }),
    image("new", HOUR_MS),
    image("a", 2 * HOUR_MS, { firstMs: 1 }),
    image("old", 9 * HOUR_MS),
  ];
  assert.deepEqual(ids(plan(images).spare), ["old", "a", "b", "new"]);
});

Deno.test("planCollection() leaves images that are in use, or have just come", () => {
  const { minAgeMs } = COLLECTION_DEFAULTS;
  const images = [
    image("used", 9 * HOUR_MS),
    image("fresh", 9 * HOUR_MS, { firstMs: NOW_MS - minAgeMs + 1 }),
    image("free", HOUR_MS, { firstMs: NOW_MS - minAgeMs }),
  ];
  const planned = plan(images, { inUse: ["used"], maxAgeMs: HOUR_MS + 1 });
  assert.deepEqual(ids(planned.spare), ["free"]);
  assert.deepEqual(ids(planned.expired), ["fresh"]);
});

Deno.test("planCollection() removes what is too old, and counts what that frees", () => {
  const images = [image("old", 3 * HOUR_MS, { sizeBytes: 4 }), image("new", HOUR_MS)];
  const planned = plan(images, { maxAgeMs: 2 * HOUR_MS, usedBytes: 90 });
  assert.deepEqual(ids(planned.expired), ["old"]);
  assert.deepEqual(ids(planned.spare), ["new"]);
  assert.equal(planned.bytesToFree, 6);
  assert.deepEqual(plan(images, { maxAgeMs: 3 * HOUR_MS }).expired, []);
});

Deno.test("planCollection() gives up all that is spare where space is wanted at once", () => {
  const images = [image("old", 9 * HOUR_MS), image("used", HOUR_MS), image("new", HOUR_MS)];
  const urgent = plan(images, { usedBytes: 1, urgent: true, inUse: ["used"], highPercent: 100 });
  assert.deepEqual([ids(urgent.spare), urgent.all], [["old", "new"], true]);
  assert.equal(plan(images).all, false);
});

Deno.test("planCollection() never plans for what is in use, and for nothing twice", () => {
  const images = fc.array(
    fc.record({
      imageId: fc.string({ minLength: 1, maxLength: 2 }),
      tags: fc.constant([]),
      sizeBytes: fc.nat(100),
      firstMs: fc.nat(NOW_MS),
      lastMs: fc.nat(NOW_MS),
    }),
  );
  fc.assert(fc.property(images, fc.nat(100), fc.nat(NOW_MS), (images, usedBytes, maxAgeMs) => {
    const unique = [...new Map(images.map((image) => [image.imageId, image])).values()];
    const inUse = unique.slice(0, 3).map(({ imageId }) => imageId);
    const { expired, spare, bytesToFree } = plan(unique, { usedBytes, maxAgeMs, inUse });
    const planned = ids([...expired, ...spare]);
    assert.equal(new Set(planned).size, planned.length);
    assert.ok(!planned.some((id) => inUse.includes(id)));
    assert.ok(bytesToFree >= 0 && bytesToFree <= 100);
  }));
});
