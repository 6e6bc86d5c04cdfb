/**
 * An administrator's view of a running cluster.
 *
 * @module
 */
import { join } from "node:path";
import { kubernetesProgram } from "../parts/kubernetes.ts";
import { eventually } from "./eventually.ts";

/** The API server refused or was not there. */
export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
  readonly code: number;

  constructor(request: string, code: number, body: string) {
    super(`${request}: ${code} ${body}`);
    this.code = code;
  }
}

/** How kubectl is run. */
export interface KubectlOptions {
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** Beside its own few variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Talks to a cluster whose files are in one folder; any number of them may look at the same one. */
export class Cluster implements Disposable {
  readonly dir: string;
  readonly server: string;
  readonly #client: Deno.HttpClient;

  private constructor(dir: string, server: string, client: Deno.HttpClient) {
    this.dir = dir;
    this.server = server;
    this.#client = client;
  }

  /** Takes the folder that a control plane was started in. */
  static async open(dir: string): Promise<Cluster> {
    const read = (file: string): Promise<string> => Deno.readTextFile(join(dir, file));
    const client = Deno.createHttpClient({
      caCerts: [await read("certs/ca.crt")],
      cert: await read("certs/admin.crt"),
      key: await read("certs/admin.key"),
      http2: false,
    });
    return new Cluster(dir, (await read("server")).trim(), client);
  }

  /** An administrator's kubeconfig. */
  get kubeconfig(): string {
    return join(this.dir, "admin.kubeconfig");
  }

  /**
   * Runs the real kubectl and answers what it prints.
   *
   * @throws {Error} with kubectl's own words if it fails.
   */
  async kubectl(
    args: readonly string[],
    options: KubectlOptions = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.tryKubectl(args, options);
    if (code === 0) return stdout;
    throw new Error(`kubectl ${args.join(" ")} ended with code ${code}: ${stderr}${stdout}`);
  }

  /** Runs the real kubectl, which may fail. */
  async tryKubectl(
    args: readonly string[],
    options: KubectlOptions = {},
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const { input, signal, env } = options;
    const [program, ...first] = await kubernetesProgram("kubectl");
    const child = new Deno.Command(program, {
      args: [...first, ...args],
      // A home of its own: no cache or setting of the user's takes part.
      env: { KUBECONFIG: this.kubeconfig, HOME: this.dir, ...env },
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      ...(signal === undefined ? {} : { signal }),
    }).spawn();
    if (input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Asks the API server directly, which is a hundred times faster than kubectl. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    contentType = "application/json",
  ): Promise<Response> {
    return await fetch(this.server + path, {
      method,
      client: this.#client,
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined ? {} : {
        body: JSON.stringify(body),
        headers: { "content-type": contentType },
      }),
    });
  }

  /** GETs one object or list. */
  async get<T>(path: string): Promise<T> {
    return await this.#json("GET", path) as T;
  }

  /** GETs one object that may not be there. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      if (error instanceof ApiFailure && error.code === 404) return undefined;
      throw error;
    }
  }

  async create<T>(path: string, object: unknown): Promise<T> {
    return await this.#json("POST", path, object) as T;
  }

  /** A JSON merge patch. */
  async patch<T>(path: string, patch: unknown): Promise<T> {
    return await this.#json("PATCH", path, patch, "application/merge-patch+json") as T;
  }

  /** Deletes an object; one that is not there is deleted already. */
  async delete(path: string): Promise<void> {
    const response = await this.request("DELETE", path);
    const body = await response.text();
    if (!response.ok && response.status !== 404) {
      throw new ApiFailure(`DELETE ${path}`, response.status, body);
    }
  }

  /** Makes a namespace for one test; its pods go when it is disposed of. */
  async namespace(prefix: string): Promise<AsyncDisposable & { readonly name: string }> {
    const { metadata } = await this.create<{ metadata: { name: string } }>("/api/v1/namespaces", {
      metadata: { generateName: `${prefix}-` },
    });
    const { name } = metadata;
    await eventually(
      `the service account of namespace ${name}`,
      () => this.find(`/api/v1/namespaces/${name}/serviceaccounts/default`),
    );
    return {
      name,
      [Symbol.asyncDispose]: () => this.delete(`/api/v1/namespaces/${name}`),
    };
  }

  async #json(
    method: string,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<unknown> {
    const response = await this.request(method, path, body, contentType);
    const text = await response.text();
    if (!response.ok) throw new ApiFailure(`${method} ${path}`, response.status, text);
    return JSON.parse(text);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
