/**
 * The gRPC health checking protocol: `grpc.health.v1.Health/Check` (KEP-2727).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { failure, type Outcome, SUCCESS } from "./outcome.ts";

/** Whom to ask, about what. */
export interface GrpcTarget {
  readonly host: string;
  readonly port: number;
  /** Empty for the server as a whole. */
  readonly service: string;
  readonly userAgent: string;
  /** Time for connection and answer together. */
  readonly timeoutMs: number;
}

const CHECK = "/grpc.health.v1.Health/Check";
/** `HealthCheckResponse.ServingStatus`, by number. */
const STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];
/** Protobuf: field 1, as bytes and as a number. */
const FIELD = { bytes: 0x0a, varint: 0x08 } as const;

/** Success if the server says that it serves. Never rejects. */
export async function grpcCheck(target: GrpcTarget, signal: AbortSignal): Promise<Outcome> {
  const { host, port, service, userAgent, timeoutMs } = target;
  // Half a second of loading, which only who probes by gRPC pays.
  const grpc = await import("@grpc/grpc-js");
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.primary_user_agent": userAgent,
    "grpc.enable_http_proxy": 0,
    "grpc.use_local_subchannel_pool": 1,
  });
  const call = Promise.withResolvers<Outcome>();
  const sent = client.makeUnaryRequest(
    CHECK,
    encodeRequest,
    decodeStatus,
    service,
    { deadline: Date.now() + timeoutMs },
    (error, status) => {
      if (error === null) call.resolve(judge(STATUSES[status ?? 0] ?? `${status}`));
      else call.resolve(failure(explain(error, timeoutMs)));
    },
  );
  const cancel = (): void => sent.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await call.promise;
  } finally {
    signal.removeEventListener("abort", cancel);
    client.close();
  }

  function explain({ code, details }: { code: number; details: string }, ms: number): string {
    switch (code) {
      case grpc.status.UNIMPLEMENTED:
        return `this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`;
      case grpc.status.DEADLINE_EXCEEDED:
      case grpc.status.CANCELLED:
        return `timeout: health rpc did not complete within ${ms / 1000}s`;
      case grpc.status.UNAVAILABLE:
        return `failed to connect service "${address}": ${details}`;
      default:
        return `health rpc probe failed: ${details}`;
    }
  }
}

function judge(status: string): Outcome {
  if (status === "SERVING") return SUCCESS;
  return failure(`service unhealthy (responded with "${status}")`);
}

/** `HealthCheckRequest { string service = 1; }`. Names are shorter than 128 bytes, or refused by nobody. */
function encodeRequest(service: string): Buffer {
  const name = new TextEncoder().encode(service);
  if (name.length === 0) return Buffer.alloc(0);
  const length: number[] = [];
  let left = name.length;
  for (; left > 0x7f; left >>= 7) length.push(left & 0x7f | 0x80);
  length.push(left);
  return Buffer.from([FIELD.bytes, ...length, ...name]);
}

/** `HealthCheckResponse { ServingStatus status = 1; }`; an absent one is 0. */
function decodeStatus(bytes: Uint8Array): number {
  return bytes[0] === FIELD.varint ? bytes[1] ?? 0 : 0;
}
