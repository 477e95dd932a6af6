// What the server says of itself before anybody has signed in.

/** How this page reaches the operator contract, and what a map may load. */
export interface Config {
  /** Where gRPC-Web is answered, `scheme://host:port`. */
  readonly grpc: string;
  /** How operators prove who they are. */
  readonly auth: "none" | "token" | "certificate";
  /** Where pictures of the map are, with {z}, {x} and {y}; empty: only what the page brings with it. */
  readonly tiles: string;
  /** Whom those pictures are from. */
  readonly attribution: string;
}

/** Asks for it, and what time it is at the server, in milliseconds since 1970; throws while nobody answers. */
export async function fetchConfig(): Promise<{ config: Config; now: number }> {
  const response = await fetch("/config.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`config.json: ${response.status}`);
  return { config: (await response.json()) as Config, now: Date.parse(response.headers.get("date") ?? "") };
}
