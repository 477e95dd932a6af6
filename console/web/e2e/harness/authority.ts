// An authority made by `sos certs`, whose tokens a server believes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sos } from "./server";

export class Authority {
  private constructor(private readonly dir: string) {}

  static async found(): Promise<Authority> {
    const dir = await mkdtemp(join(tmpdir(), "sos-pki-"));
    await sos("certs", "init", "--dir", dir);
    return new Authority(dir);
  }

  /** What a server must be told to believe it. */
  get settings(): Readonly<Record<string, string>> {
    return { SOS_GRPC__AUTH: "token", SOS_GRPC__JWKS: join(this.dir, "jwks.json") };
  }

  async token(operator: string, role: string, ttl = "1h"): Promise<string> {
    return (await sos("token", "issue", "--dir", this.dir, "--operator", operator, "--role", role, "--ttl", ttl)).trim();
  }

  async close(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
