import assert from "node:assert/strict";
import { namesIn } from "../files.ts";
import { PodVolumes } from "../volumes/volumes.ts";
import { World } from "./_world.ts";
import { removeOrphans, watchOrphans } from "./orphans.ts";
import { RecordStore } from "./record_store.ts";

Deno.test("removeOrphans() removes what nobody owns, and nothing else", async () => {
  await using world = await World.open();
  const podsDir = `${world.dir}/pods`;
  const logsDir = `${world.dir}/logs`;
  for (const uid of ["kept", "gone"]) {
    await Deno.mkdir(`${podsDir}/${uid}`, { recursive: true });
    await Deno.mkdir(`${logsDir}/default_web_${uid}/app`, { recursive: true });
  }
  const facts = { nodeName: "n", hostIPs: [], podIPs: [], allocatable: {} };
  await removeOrphans({
    podsDir,
    logsDir,
    volumes: new PodVolumes({ podsDir, objects: world.objects, facts }),
    records: new RecordStore(podsDir, (message) => world.trouble.push(message)),
  }, (uid) => uid === "kept");
  assert.deepEqual(await namesIn(podsDir), ["kept"]);
  assert.deepEqual(await namesIn(logsDir), ["default_web_kept"]);
  assert.deepEqual(world.trouble, []);
});

Deno.test("removeOrphans() goes on past strange names and past what cannot be removed", async () => {
  await using world = await World.open();
  const podsDir = `${world.dir}/pods`;
  const logsDir = `${world.dir}/logs`;
  const strangers = [".DS_Store", "lost+found", "no_uid"];
  for (const dir of [podsDir, logsDir]) {
    await Deno.mkdir(dir);
    for (const name of strangers) await Deno.writeTextFile(`${dir}/${name}`, "");
  }
  for (const uid of ["1-stuck", "2-gone"]) {
    await Deno.mkdir(`${podsDir}/${uid}`);
    await Deno.mkdir(`${logsDir}/default_web_${uid}`);
  }
  const facts = { nodeName: "n", hostIPs: [], podIPs: [], allocatable: {} };
  const volumes = new PodVolumes({ podsDir, objects: world.objects, facts });
  const unmountAll = volumes.unmountAll.bind(volumes);
  volumes.unmountAll = (uid) =>
    uid === "1-stuck" ? Promise.reject(new Error("device busy")) : unmountAll(uid);
  const records = new RecordStore(podsDir, (message) => world.trouble.push(message));
  await removeOrphans({ podsDir, logsDir, volumes, records }, () => false);
  assert.deepEqual((await namesIn(podsDir)).sort(), [...strangers, "1-stuck"].sort());
  assert.deepEqual((await namesIn(logsDir)).sort(), [...strangers].sort());
});

Deno.test("watchOrphans() removes what is left while the agent runs, and nothing of a pod that is known", async () => {
  await using world = await World.open();
  const podsDir = `${world.dir}/pods`;
  const logsDir = `${world.dir}/logs`;
  await Deno.mkdir(logsDir);
  const facts = { nodeName: "n", hostIPs: [], podIPs: [], allocatable: {} };
  const stop = new AbortController();
  const twice = Promise.withResolvers<void>();
  const volumes = new PodVolumes({ podsDir, objects: world.objects, facts });
  const records = new RecordStore(podsDir, (message) => world.trouble.push(message));
  let looks = 0;
  const watching = watchOrphans({ podsDir, logsDir, volumes, records }, {
    isKnown(uid): boolean {
      if (uid === "kept" && ++looks === 2) twice.resolve();
      return uid === "kept";
    },
    signal: stop.signal,
    periodMs: 5,
  });
  for (const uid of ["gone", "kept"]) await Deno.mkdir(`${podsDir}/${uid}`, { recursive: true });
  await twice.promise;
  stop.abort();
  await watching;
  assert.deepEqual(await namesIn(podsDir), ["kept"]);
});

Deno.test("removeOrphans() asks anew before each removal", async () => {
  await using world = await World.open();
  const podsDir = `${world.dir}/pods`;
  for (const uid of ["a", "b"]) await Deno.mkdir(`${podsDir}/${uid}`, { recursive: true });
  const facts = { nodeName: "n", hostIPs: [], podIPs: [], allocatable: {} };
  const volumes = new PodVolumes({ podsDir, objects: world.objects, facts });
  const records = new RecordStore(podsDir, (message) => world.trouble.push(message));
  const removed: string[] = [];
  const unmountAll = volumes.unmountAll.bind(volumes);
  volumes.unmountAll = (uid) => {
    removed.push(uid);
    return unmountAll(uid);
  };
  // The other one comes while the first is removed.
  const services = { podsDir, logsDir: `${world.dir}/logs`, volumes, records };
  await removeOrphans(services, () => removed.length > 0);
  assert.equal(removed.length, 1);
  assert.equal((await namesIn(podsDir)).length, 1);
});
