// The `sos` binary as a process: started, killed as a power cut does it, and started again on the same ports.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The binary under test. */
export const BINARY = resolve(process.env["SOS_BINARY"] ?? "../../target/debug/sos");

const TRIES_EVERY_MS = 20;

/** Waits until a probe answers with something other than nothing; fails, naming what was waited for. */
export async function eventually<Found>(what: string, probe: () => Promise<Found | undefined> | Found | undefined, withinMs = 20_000): Promise<Found> {
  const until = performance.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > until) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((wake) => setTimeout(wake, TRIES_EVERY_MS));
  }
}

/** Runs `sos` to its end; answers with what it printed. */
export async function sos(...args: readonly string[]): Promise<string> {
  const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
  let [printed, complained] = ["", ""];
  child.stdout.on("data", (bytes: Buffer) => (printed += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (complained += bytes.toString()));
  const code = await new Promise((ended) => child.on("close", ended));
  if (code !== 0) throw new Error(`sos ${args.join(" ")} ended with ${String(code)}: ${complained}`);
  return printed;
}

interface Addresses {
  readonly mqtt: string;
  readonly grpc: string;
  readonly http: string;
}

type Settings = Readonly<Record<string, string>>;

export class Server {
  #child: ChildProcess | undefined;
  #addresses: Addresses = { mqtt: "127.0.0.1:0", grpc: "127.0.0.1:0", http: "127.0.0.1:0" };
  /** What it complained of; shown where a test fails. */
  #said = "";

  private constructor(readonly scratch: string, private readonly settings: Settings) {}

  /** `sos up` on a directory of its own. `settings` are keys of its configuration as in the environment: without any, nothing escalates. */
  static async up(settings: Settings = {}): Promise<Server> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: run \`cargo build -p sos\`, or set SOS_BINARY`);
    const server = new Server(await mkdtemp(join(tmpdir(), "sos-e2e-")), { SOS_ALERTS__ESCALATION: "[]", ...settings });
    await server.start();
    return server;
  }

  /** Starts it, on the ports that it had before; answers when it is ready. */
  async start(): Promise<void> {
    const file = join(this.scratch, "ports.json");
    await rm(file, { force: true });
    const { mqtt, grpc, http } = this.#addresses;
    const child = spawn(
      BINARY,
      ["up", "--data", join(this.scratch, "data"), "--mqtt", mqtt, "--grpc", grpc, "--http", http, "--ports-file", file],
      { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...this.settings } },
    );
    child.stderr.on("data", (bytes: Buffer) => (this.#said = (this.#said + bytes.toString()).slice(-4_000)));
    this.#child = child;
    const leave = (): void => void child.kill("SIGKILL");
    process.once("exit", leave);
    child.once("exit", () => process.off("exit", leave));
    this.#addresses = await eventually("the server is ready", async () => {
      if (child.exitCode !== null) throw new Error(`sos up ended with ${child.exitCode}: ${this.#said}`);
      return (await readFile(file, "utf8").then(JSON.parse).catch(() => undefined)) as Addresses | undefined;
    });
  }

  /** `kill -9`, as a power cut does it. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolved) => child.once("exit", resolved));
    child.kill("SIGKILL");
    await ended;
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    await this.kill();
    await rm(this.scratch, { recursive: true, force: true });
  }

  /** Where the console is. */
  get http(): string {
    return `http://${this.#addresses.http}`;
  }

  /** Where operators are answered, `host:port`. */
  get grpc(): string {
    return this.#addresses.grpc;
  }

  /** Where call points connect, `host:port`. */
  get mqtt(): string {
    return this.#addresses.mqtt;
  }

  /** The process. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }
}
