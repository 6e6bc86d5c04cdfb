import assert from "node:assert/strict";
import type { ContainerStatus, Pod } from "../api/types.ts";
import { formatMetrics } from "../metrics/text.ts";
import { cadvisorFamilies } from "./cadvisor_families.ts";
import type { DiskReading } from "./node_reading.ts";
import type { MeasuredDisk } from "./pod_disks.ts";
import { resourceFamilies } from "./resource_families.ts";
import type { UsageSample } from "./sampler.ts";
import { summaryOf } from "./summary.ts";
import { volumeFamilies } from "./volume_families.ts";

const AT_MS = Date.parse("2026-01-01T00:10:00.250Z");
const TIME = "2026-01-01T00:10:00Z";
const STARTED_MS = Date.parse("2026-01-01T00:00:00Z");
const ID = "ab".repeat(32);
const STATUS: ContainerStatus = {
  name: "app",
  image: "reg/app:1",
  imageID: "",
  containerID: `krustlet-wasi://${ID}`,
  ready: true,
  restartCount: 0,
  state: { running: { startedAt: "2026-01-01T00:00:00Z" } },
  lastState: {},
};
const POD: Pod = {
  metadata: { namespace: "ns", name: "web", uid: "u-1" },
  spec: {
    containers: [{ name: "app", resources: { limits: { memory: "1Ki" } } }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "claim" } }, {
      name: "tmp",
      emptyDir: {},
    }],
  },
  status: { startTime: "2026-01-01T00:00:00Z" },
};
const DISK: DiskReading = {
  capacityBytes: 1000,
  availableBytes: 400,
  usedBytes: 500,
  inodes: 90,
  inodesFree: 60,
};
const USED = { cpuNanos: 5e9, nanoCores: 25e7, memoryBytes: 600, residentBytes: 900, processes: 1 };
const USAGE: UsageSample = {
  atMs: AT_MS,
  node: {
    atMs: AT_MS,
    cpuNanos: 7e9,
    memoryBytes: 60,
    memory: { totalBytes: 100, availableBytes: 40 },
  },
  pods: [
    {
      pod: POD,
      containers: [{ ...USED, atMs: AT_MS, status: STATUS, startedMs: STARTED_MS }],
      total: { ...USED, atMs: AT_MS },
    },
    { pod: { metadata: { namespace: "ns", name: "pending", uid: "u-2" } }, containers: [] },
  ],
};
const MEASURED: ReadonlyMap<string, MeasuredDisk> = new Map([["u-1", {
  atMs: AT_MS,
  disk: {
    containers: new Map([["app", 30]]),
    logs: new Map([["app", 10]]),
    volumes: new Map([["tmp", 7]]),
    inodes: 4,
    whole: true,
  },
}]]);
const CLAIMS = new Map([["u-1", [{ volume: "data", claim: "claim", disk: DISK, atMs: AT_MS }]]]);
const FACTS = {
  nodeName: "n",
  bootMs: 0,
  agentStartedMs: STARTED_MS,
  usage: USAGE,
  agent: { atMs: AT_MS, cpuNanos: 1e9, memoryBytes: 50 },
};

Deno.test("summaryOf() tells pods in the fields of stats/v1alpha1", () => {
  const { pods } = summaryOf({
    ...FACTS,
    disks: {
      node: DISK,
      images: { disk: DISK, usedBytes: 100 },
      pods: MEASURED,
      claims: CLAIMS,
    },
  });
  const fs = {
    time: TIME,
    availableBytes: 400,
    capacityBytes: 1000,
    inodesFree: 60,
    inodes: 90,
  };
  const cpu = { time: TIME, usageNanoCores: 25e7, usageCoreNanoSeconds: 5e9 };
  const memory = { time: TIME, usageBytes: 900, workingSetBytes: 600, rssBytes: 600 };
  assert.deepEqual(pods, [{
    podRef: { name: "web", namespace: "ns", uid: "u-1" },
    startTime: "2026-01-01T00:00:00Z",
    containers: [{
      name: "app",
      startTime: "2026-01-01T00:00:00Z",
      cpu,
      memory: { ...memory, availableBytes: 1024 - 600 },
      rootfs: { ...fs, usedBytes: 20 },
      logs: { ...fs, usedBytes: 10 },
    }],
    cpu,
    memory,
    volume: [
      { ...fs, usedBytes: 7, name: "tmp" },
      {
        ...fs,
        usedBytes: 500,
        inodesUsed: 30,
        name: "data",
        pvcRef: { name: "claim", namespace: "ns" },
      },
    ],
    "ephemeral-storage": { ...fs, usedBytes: 37, inodesUsed: 4 },
    process_stats: { process_count: 1 },
  }]);
});

Deno.test("summaryOf() tells of the machine, and no disks to who does not want them", () => {
  const whole = summaryOf({
    ...FACTS,
    disks: {
      node: DISK,
      images: { disk: DISK, usedBytes: 100 },
      pods: MEASURED,
      claims: new Map(),
    },
    pids: { now: 3, max: 9 },
  }).node;
  assert.equal(whole.nodeName, "n");
  assert.equal(whole.startTime, "1970-01-01T00:00:00Z");
  assert.equal(whole.cpu?.usageCoreNanoSeconds, 7e9);
  assert.equal(whole.cpu?.usageNanoCores, undefined, "no rate yet");
  assert.deepEqual(whole.memory, {
    time: TIME,
    availableBytes: 40,
    usageBytes: 60,
    workingSetBytes: 60,
    rssBytes: 60,
  });
  assert.equal(whole.fs?.usedBytes, 500);
  assert.equal(whole.runtime?.imageFs?.usedBytes, 100);
  assert.equal(whole.runtime?.containerFs?.usedBytes, 30);
  assert.deepEqual(whole.rlimit, { time: TIME, maxpid: 9, curproc: 3 });
  assert.deepEqual(
    whole.systemContainers?.map(({ name, cpu }) => [name, cpu?.usageCoreNanoSeconds]),
    [["kubelet", 1e9], ["pods", 5e9]],
  );
  const brief = summaryOf(FACTS);
  assert.deepEqual([brief.node.fs, brief.node.runtime], [undefined, undefined]);
  assert.deepEqual([brief.pods[0]!.volume, brief.pods[0]!.containers[0]!.rootfs], [
    undefined,
    undefined,
  ]);
});

Deno.test("resourceFamilies() is a kubelet's page, with the times of the looks", () => {
  const lines = formatMetrics(resourceFamilies(USAGE)).body.split("\n")
    .filter((line) => !line.startsWith("#"));
  assert.deepEqual(lines, [
    `container_cpu_usage_seconds_total{container="app",namespace="ns",pod="web"} 5 ${AT_MS}`,
    `container_memory_working_set_bytes{container="app",namespace="ns",pod="web"} 600 ${AT_MS}`,
    `container_start_time_seconds{container="app",namespace="ns",pod="web"} ${STARTED_MS / 1000}`,
    `node_cpu_usage_seconds_total 7 ${AT_MS}`,
    `node_memory_working_set_bytes 60 ${AT_MS}`,
    `pod_cpu_usage_seconds_total{namespace="ns",pod="web"} 5 ${AT_MS}`,
    `pod_memory_working_set_bytes{namespace="ns",pod="web"} 600 ${AT_MS}`,
    "resource_scrape_error 0",
    "scrape_error 0",
    "",
  ]);
  const failed = formatMetrics(resourceFamilies(undefined)).body;
  assert.match(failed, /^scrape_error 1$/m);
  assert.ok(!failed.includes("container_"));
});

Deno.test("cadvisorFamilies() has the labels that dashboards join by", () => {
  const machine = { cpus: 2, memoryBytes: 100 };
  const { body } = formatMetrics(cadvisorFamilies({ usage: USAGE, disks: MEASURED, machine }));
  const labels =
    `{container="app",id="/${ID}",image="reg/app:1",name="${ID}",namespace="ns",pod="web"}`;
  const expected: [string, number][] = [
    ["container_cpu_usage_seconds_total", 5],
    ["container_memory_usage_bytes", 900],
    ["container_fs_usage_bytes", 30],
    ["container_spec_memory_limit_bytes", 1024],
  ];
  for (const [name, value] of expected) {
    assert.ok(body.includes(`${name}${labels} ${value} `), name);
  }
  assert.match(body, /^machine_cpu_cores 2$/m);
});

Deno.test("volumeFamilies() tells each claim once", () => {
  const other: Pod = { metadata: { namespace: "ns", name: "two", uid: "u-2" } };
  const claims = new Map([...CLAIMS, ["u-2", CLAIMS.get("u-1")!]]);
  const { body } = formatMetrics(volumeFamilies([POD, other], claims));
  const lines = body.split("\n").filter((line) => line.startsWith("kubelet_"));
  const labels = '{namespace="ns",persistentvolumeclaim="claim"}';
  assert.deepEqual(lines, [
    `kubelet_volume_stats_available_bytes${labels} 400`,
    `kubelet_volume_stats_capacity_bytes${labels} 1000`,
    `kubelet_volume_stats_inodes${labels} 90`,
    `kubelet_volume_stats_inodes_free${labels} 60`,
    `kubelet_volume_stats_inodes_used${labels} 30`,
    `kubelet_volume_stats_used_bytes${labels} 500`,
  ]);
});
