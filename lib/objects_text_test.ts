import assert from "node:assert/strict";
import { objectsIn } from "./object_text.ts";
import { objectsText } from "./objects_text.ts";

Deno.test("objectsText() writes what is read again, a document for each and without anchors", async () => {
  const verbs = ["get", "list"];
  const objects = [
    {
      apiVersion: "v1",
      kind: "Secret",
      stringData: { expiration: "2030-01-31T12:00:00Z", on: "no", "token-id": "0b1010" },
    },
    { apiVersion: "v1", kind: "Role", rules: [{ verbs }, { verbs }] },
  ];
  const text = await objectsText(objects);
  assert.deepEqual([...objectsIn(text)], objects);
  assert.doesNotMatch(text, /[&*]/);
  // YAML 1.1, which kubectl reads, takes these for something else than text.
  for (const quoted of ['"no"', '"0b1010"']) assert.ok(text.includes(quoted), text);
});
