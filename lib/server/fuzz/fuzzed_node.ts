/**
 * A node whose every route has something to say, and which counts what goes on. For tests only.
 *
 * @module
 */
import { join } from "node:path";
import type { RemoteCommandSession } from "../../streaming/session.ts";
import { type Running, start } from "../_test_node.ts";
import type { Page } from "../pages.ts";
import type { PageName } from "../routes.ts";
import { parseLogQuery } from "../log_query.ts";
import { findRoute } from "../routes.ts";
import type { StreamSource } from "../stream_source.ts";
import { systemLogsPage } from "../system_logs.ts";

/** Is nowhere to be seen: it lies beside the folder that is shown. */
export const SECRET = "not for you";
/** Below the folder of `/logs/`: what there is. */
export const SHOWN = ["file", "dir", "dir/inner"];
/** More names below it: links that lead out and around, and a name that no file system takes. */
export const HIDDEN = ["out", "loop", "dir/loop", "n".repeat(300)];

/** Tokens, and what becomes of who has one. */
export const TOKENS = { good: 200, denied: 403, unsure: 500, away: 401, nobody: 401 } as const;

/** Names of pages; each tells its own. */
const PAGES = [
  "metrics",
  "cadvisor",
  "probes",
  "resource",
  "summary",
  "configz",
  "flagz",
  "statusz",
];

const refused = (namespace: string): boolean => namespace.startsWith("a");

/** The node, and what it has heard. */
export class FuzzedNode implements AsyncDisposable {
  /** Requests, in the order in which they came. Empty it when it was looked at. */
  readonly heard: { readonly method: string; readonly path: string }[] = [];
  /** Called for each request, and when one is over. */
  onChange: (() => void) | undefined;
  /** Requests that are not over. */
  open = 0;
  /** Sessions of commands and forwarded connections that are not over. */
  sessions = 0;
  #running!: Running;
  #root!: string;

  /** Starts one. */
  static async start(): Promise<FuzzedNode> {
    const node = new FuzzedNode();
    node.#root = await makeFolder();
    const run = join(node.#root, "run");
    const pages = Object.fromEntries(PAGES.map((name) => [name, pageOf(name)]));
    node.#running = await start({
      authenticateToken: (name) => {
        if (name === "away") return Promise.reject(new Error("the API server is away"));
        return Promise.resolve(name === "nobody" ? undefined : { name, groups: [] });
      },
      authorize: ({ name }) => {
        if (name === "unsure") return Promise.reject(new Error("the API server is away"));
        return Promise.resolve(name === "good");
      },
      pages: { ...pages, logs: systemLogsPage(join(node.#root, "log")) } as Record<PageName, Page>,
      logs: {
        locate: ({ namespace }) => {
          if (refused(namespace)) return { error: "pod", message: "there is none" };
          return { dir: run, attempt: 0, ended: () => Promise.resolve() };
        },
      },
      streams: node.#streams(),
      onRequest: (method, path) => node.#hear(method, path),
    });
    return node;
  }

  get port(): number {
    return this.#running.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
    await Deno.remove(this.#root, { recursive: true });
  }

  #hear(method: string, path: string): () => void {
    this.heard.push({ method, path });
    this.open++;
    this.onChange?.();
    return () => {
      this.open--;
      this.onChange?.();
    };
  }

  #streams(): StreamSource {
    const counted = async <T>(serve: () => Promise<T>): Promise<T> => {
      this.sessions++;
      try {
        return await serve();
      } finally {
        this.sessions--;
      }
    };
    return {
      command: ({ namespace, container, command, kind }) => {
        if (refused(namespace)) return { status: 404, message: "there is none" };
        return (session) =>
          counted(async () => {
            if (kind === "exec") await session.stdout?.write(bytesOf(JSON.stringify(command)));
            await echo(session);
            return { kind: "exited", code: container.startsWith("b") ? 3 : 0 };
          });
      },
      forward: ({ namespace }) => {
        if (refused(namespace)) return { status: 404, message: "there is none" };
        return ({ data }) => counted(() => data.readable.pipeTo(data.writable));
      },
    };
  }
}

/** The status of a request without a change of protocol, and the text of the answer if it is known. */
export function expectedOf(
  { method, target, token }: { method: string; target: string; token: keyof typeof TOKENS },
): { status: number; text?: string } {
  if (TOKENS[token] !== 200) return { status: TOKENS[token] };
  const [path, query] = target.split("?") as [string, string | undefined];
  const params = new URLSearchParams(query ?? "");
  const route = findRoute(method, path);
  switch (route.kind) {
    case "health":
      return { status: 200, text: "ok" };
    case "pods":
    case "running_pods":
      return { status: 200 };
    case "page":
      if (route.page !== "logs") return { status: 200, text: `${route.page}\n` };
      return { status: isShown(route.rest) ? 200 : 404 };
    case "logs":
      return { status: isLogQuery(params) ? (refused(route.namespace) ? 404 : 200) : 400 };
    case "exec":
    case "attach":
    case "port_forward":
      return { status: 400 };
    case "run": {
      if (refused(route.namespace)) return { status: 404 };
      if (route.container.startsWith("b")) return { status: 500 };
      return { status: 200, text: JSON.stringify((params.get("cmd") ?? "").split(" ")) };
    }
    case "not_implemented":
      return { status: 501 };
    case "method_not_allowed":
      return { status: 405 };
    case "not_found":
      return { status: 404 };
  }
}

function isShown(rest: readonly string[]): boolean {
  const path = rest.filter((name) => name !== "").join("/");
  return path === "" || (SHOWN.includes(path) && rest.every((name) => !name.includes("/")));
}

function isLogQuery(params: URLSearchParams): boolean {
  try {
    parseLogQuery(params, Date.now());
    return true;
  } catch {
    return false;
  }
}

async function echo({ stdin, stdout, closed }: RemoteCommandSession): Promise<void> {
  if (stdin === undefined) return;
  for await (const bytes of stdin) await stdout?.write(bytes);
  if (closed.aborted) throw new Error("it has gone");
}

function pageOf(name: string): Page {
  return () => ({ contentType: "text/plain", body: `${name}\n` });
}

/** A folder with what `/logs/` shows, the log of each container, and something beside. */
async function makeFolder(): Promise<string> {
  const root = await Deno.makeTempDir();
  const at = (...names: string[]): string => join(root, ...names);
  for (const folder of ["log/dir", "run"]) await Deno.mkdir(at(folder), { recursive: true });
  await Deno.writeTextFile(at("secret"), SECRET);
  await Deno.writeTextFile(at("log/file"), "inside\n");
  await Deno.writeTextFile(at("log/dir/inner"), "inside\n");
  await Deno.symlink("../secret", at("log/out"));
  await Deno.symlink("loop", at("log/loop"));
  await Deno.symlink("../../log/dir/loop", at("log/dir/loop"));
  const line = (text: string): string => `2024-01-01T00:00:00Z stdout F ${text}\n`;
  await Deno.writeTextFile(at("run/0.log"), line("one") + line("two"));
  return root;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
