import assert from "node:assert/strict";
import type { GroundSurvey } from "../network/survey.ts";
import { examinePodNetwork, judgePodNetwork, type PodNetworkQuestion } from "./pod_network.ts";

const ALL: GroundSurvey = { ranges: ["10.1.0.0/24"], noRanges: [], noLoopback: undefined };
const UNROUTED = { ...ALL, ranges: [], noRanges: ["10.1.0.0/24 is not routed"] };
const NOTHING = { ...UNROUTED, noLoopback: "127.64.0.2 cannot be bound" };
const GIVEN = ["10.1.0.0/24"];

/** What is wished for, what the cluster says, what there is, and what the finding begins with. */
const CASES: readonly [
  PodNetworkQuestion["wanted"],
  readonly string[] | undefined,
  GroundSurvey,
  string,
][] = [
  ["auto", GIVEN, ALL, "ok pods have addresses of 10.1.0.0/24 (anyip)"],
  ["anyip", GIVEN, ALL, "ok pods have addresses of 10.1.0.0/24 (anyip)"],
  [
    "auto",
    GIVEN,
    { ...ALL, noRanges: ["fd00::/64 …"] },
    "warn pods have addresses of 10.1.0.0/24 (anyip), and",
  ],
  ["loopback", GIVEN, ALL, "ok pods have addresses of 127.64.0.0/10"],
  ["host", GIVEN, ALL, "ok pods share the node's address"],
  [
    "auto",
    GIVEN,
    UNROUTED,
    "warn pods have addresses that only this machine reaches (loopback): 10.1",
  ],
  [
    "auto",
    [],
    UNROUTED,
    "warn pods have addresses that only this machine reaches (loopback): the node",
  ],
  [
    "auto",
    undefined,
    UNROUTED,
    "ok pods have addresses that only this machine reaches (loopback): it is not",
  ],
  [
    "auto",
    GIVEN,
    NOTHING,
    "warn pods share the node's address (host): 10.1.0.0/24 is not routed; 127.64",
  ],
  [
    "anyip",
    GIVEN,
    UNROUTED,
    "fail pods cannot have addresses of the node's range: 10.1.0.0/24 is not",
  ],
  [
    "anyip",
    undefined,
    UNROUTED,
    "warn pods cannot have addresses of the node's range: it is not known",
  ],
  ["loopback", GIVEN, NOTHING, "fail 127.64.0.2 cannot be bound"],
];

Deno.test("judgePodNetwork() says where pods would have their addresses, and why nowhere better", () => {
  for (const [wanted, podCidrs, survey, expected] of CASES) {
    const { state, message } = judgePodNetwork(survey, { wanted, podCidrs });
    assert.equal(`${state} ${message}`.slice(0, expected.length), expected);
  }
});

Deno.test({
  name: "examinePodNetwork() looks at this machine, and takes nothing",
  ignore: Deno.build.os !== "linux", // elsewhere there may be less to find
  fn: () => {
    const nodeIp = "192.0.2.77";
    const finding = (wanted: PodNetworkQuestion["wanted"], podCidrs: string[]): string => {
      const { state, message } = examinePodNetwork({ wanted, podCidrs, nodeIp });
      return `${state} ${message}`;
    };
    assert.match(finding("loopback", []), /^ok /);
    assert.match(
      finding("anyip", ["192.0.2.0/24"]),
      /^fail .* overlaps 192\.0\.2\.77\/32 of the node/,
    );
    assert.match(finding("anyip", ["nonsense"]), /^fail .*"nonsense" is no range/);
  },
});
