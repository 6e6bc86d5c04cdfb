import assert from "node:assert/strict";
import { ContainerInput, PIECES_MAX } from "./input.ts";

Deno.test("ContainerInput.take() keeps only so much of clients for a guest that reads nothing", async () => {
  const input = new ContainerInput({ once: false });
  let asked = 0;
  async function* client(): AsyncGenerator<Uint8Array> {
    asked++;
    yield await Promise.resolve(new Uint8Array(1));
  }
  const clients: Promise<void>[] = [];
  for (let count = 0; count < 2 * PIECES_MAX; count++) {
    clients.push(input.take(client()));
    await new Promise((resolve) => setTimeout(resolve)); // until its piece is held
  }
  assert.equal(asked, PIECES_MAX);
  // They have their turn when the guest reads.
  let read = 0;
  for await (const bytes of input.readable) {
    read += bytes.length;
    if (read === 2 * PIECES_MAX) break;
  }
  await Promise.all(clients);
});
