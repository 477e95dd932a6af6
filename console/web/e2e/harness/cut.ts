// A bad way between browser and server: it cuts connections at the worst moment, or swallows everything.
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

export class Cut {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Where it leads, `host:port`. */
  target = "";
  /** Everything is taken and nothing answered, on the connections that there are and on new ones. */
  isMute = false;
  /** The next request that holds `text` is the last of its connection: it does not arrive, or its answer does not. */
  next: { readonly text: string; readonly loses: "request" | "answer" } | undefined;
  /** How often it cut. */
  cuts = 0;

  private constructor() {
    this.#server = createServer((client) => this.#lead(client));
  }

  static async listen(): Promise<Cut> {
    const cut = new Cut();
    await new Promise<void>((resolve) => cut.#server.listen(0, "127.0.0.1", resolve));
    return cut;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #lead(client: Socket): void {
    const [host = "", port = ""] = this.target.split(":");
    const server = connect(Number(port), host);
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    let isLast = false;
    client.on("data", (bytes) => {
      if (this.isMute) return;
      const cut = this.next;
      if (cut !== undefined && bytes.includes(cut.text)) {
        this.next = undefined;
        this.cuts += 1;
        isLast = true;
        if (cut.loses === "request") return void client.destroy();
      }
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (this.isMute) return;
      if (isLast) client.destroy();
      else client.write(bytes);
    });
  }
}
