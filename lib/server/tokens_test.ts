import assert from "node:assert/strict";
import { ask, start } from "./_test_node.ts";
import { NO_TOKEN_MS, TOKEN_MS, type User } from "./auth.ts";
import { PEER_REVIEWS_MAX, REVIEWS_MAX, STRANGE_REVIEWS_MAX, Tokens } from "./tokens.ts";

const ADA: User = { name: "ada", groups: [] };
const BUSY = /are being asked about already/;

/** Tokens are hashed before they are asked about, in any order. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve));
}

/** Tokens whose reviews stay under way, unless it is `ada`'s or they are let go. */
class Desk {
  readonly clock = { ms: 0 };
  readonly held = Promise.withResolvers<undefined>();
  asked = 0;
  readonly tokens = new Tokens((token) => {
    this.asked++;
    return token.startsWith("ada") ? Promise.resolve(ADA) : this.held.promise;
  }, () => this.clock.ms);

  /** As many reviews as there can be for strangers, from as many addresses as it takes. */
  async flood(): Promise<Promise<unknown>[]> {
    const before = this.asked;
    const flood = Array.from(
      { length: STRANGE_REVIEWS_MAX },
      (_, i) => this.tokens.userOf(`strange ${i}`, `peer ${i % 3}`),
    );
    await until(() => this.asked === before + STRANGE_REVIEWS_MAX);
    return flood;
  }
}

Deno.test("Tokens believes a token for two minutes, and that it is nobody's for 10 s", async () => {
  for (const [user, ms] of [[ADA, TOKEN_MS], [undefined, NO_TOKEN_MS]] as const) {
    let nowMs = 0;
    let asked = 0;
    const tokens = new Tokens(() => {
      asked++;
      return Promise.resolve(user);
    }, () => nowMs);
    assert.equal(await tokens.userOf("t", "p"), user);
    nowMs = ms - 1;
    assert.equal(await tokens.userOf("t", "p"), user);
    assert.equal(asked, 1);
    await tokens.userOf("another", "p");
    assert.equal(asked, 2);
    nowMs = ms;
    assert.equal(await tokens.userOf("t", "p"), user);
    assert.equal(asked, 3);
  }
});

Deno.test("Tokens knows its users after any number of tokens that are nobody's", async () => {
  let asked = 0;
  const tokens = new Tokens((token) => {
    asked++;
    return Promise.resolve(token === "ada" ? ADA : undefined);
  });
  await tokens.userOf("ada", "monitor");
  for (let i = 0; i < 3_000; i++) assert.equal(await tokens.userOf(`${i}`, "stranger"), undefined);
  assert.equal(asked, 3_001);
  assert.equal(await tokens.userOf("ada", "monitor"), ADA);
  assert.equal(asked, 3_001);
});

Deno.test("Tokens asks anew about a user's token while strangers' take all that is theirs", async () => {
  const desk = new Desk();
  assert.equal(await desk.tokens.userOf("ada", "monitor"), ADA);
  const flood = await desk.flood();
  await assert.rejects(desk.tokens.userOf("one more", "another peer"), BUSY);
  desk.clock.ms = TOKEN_MS;
  assert.equal(await desk.tokens.userOf("ada", "monitor"), ADA);
  desk.held.resolve(undefined);
  await Promise.all(flood);
  assert.equal(await desk.tokens.userOf("one more", "another peer"), undefined);
});

Deno.test("Tokens asks about so many tokens of one address at once, and about others", async () => {
  const desk = new Desk();
  const flood = Array.from({ length: PEER_REVIEWS_MAX }, (_, i) => desk.tokens.userOf(`${i}`, "p"));
  await until(() => desk.asked === PEER_REVIEWS_MAX);
  await assert.rejects(desk.tokens.userOf("one more", "p"), BUSY);
  assert.equal(await desk.tokens.userOf("ada", "another peer"), ADA);
  desk.held.resolve(undefined);
  await Promise.all(flood);
  assert.equal(await desk.tokens.userOf("one more", "p"), undefined);
});

Deno.test("Tokens asks about no more than its limit, users or not", async () => {
  const held = Promise.withResolvers<User>();
  let [holds, asked] = [false, 0];
  const clock = { ms: 0 };
  const tokens = new Tokens(() => {
    if (!holds) return Promise.resolve(ADA);
    asked++;
    return held.promise;
  }, () => clock.ms);
  const names = Array.from({ length: REVIEWS_MAX + 1 }, (_, i) => `ada ${i}`);
  for (const name of names) await tokens.userOf(name, "p");
  clock.ms = TOKEN_MS;
  holds = true;
  const asking = names.slice(1).map((name) => tokens.userOf(name, "p"));
  await until(() => asked === REVIEWS_MAX);
  await assert.rejects(tokens.userOf(names[0]!, "p"), BUSY);
  await assert.rejects(tokens.userOf("stranger", "p"), BUSY);
  held.resolve(ADA);
  await Promise.all(asking);
});

Deno.test("KubeletServer answers a user with a token while a stranger floods it with others", async () => {
  const held = Promise.withResolvers<undefined>();
  let [asked, now] = [0, 0];
  await using node = await start({
    authenticateToken(token: string): Promise<User | undefined> {
      asked++;
      return token === "ada" ? Promise.resolve(ADA) : held.promise;
    },
  });
  const path = "/pods";
  assert.equal((await ask(node.port, path, { token: "ada" })).status, 200);
  const flood = Array.from(
    { length: 2 * REVIEWS_MAX },
    (_, i) => ask(node.port, path, { token: `t${i}` }).finally(() => now++),
  );
  // Beyond what one address may ask, they are strangers at once.
  while (now < 2 * REVIEWS_MAX - PEER_REVIEWS_MAX) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(asked, 1 + PEER_REVIEWS_MAX);
  assert.equal((await ask(node.port, path, { token: "ada" })).status, 200);
  held.resolve(undefined);
  for (const { status } of await Promise.all(flood)) assert.equal(status, 401);
});
