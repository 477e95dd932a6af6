// Who sits here, and what they may do. The server says it; what it does not allow is not shown.
import { millis } from "../i18n/format";
import { connect, type Clients, type Credentials } from "../wire/clients";
import type { Config } from "../wire/config";
import { refusalOf } from "../wire/refusal";

const NAME = "sos.operator";
const TOKEN = "sos.token";

/** Methods of the operator contract, as `AlertService/AcknowledgeAlert`. */
type Method = `${"AlertService" | "RegistryService"}/${string}`;

class Session {
  #credentials: Credentials = { operator: "", token: "" };
  #methods = $state.raw<ReadonlySet<string>>(new Set());
  #clients: Clients | undefined;
  #config: Config | undefined;
  /** Who was signed in last, and what they may see. */
  #who = "";

  /** Their name, as it goes into the log. */
  name = $state("");
  /** Their role in one word; empty where nobody is authenticated. */
  role = $state("");
  /** When the token ends, in milliseconds since 1970; nothing if it does not. */
  expiresAt = $state<number | undefined>();
  /** Whether somebody is signed in; a screen that was signed in stays while it asks again. */
  state = $state<"out" | "in" | "expired">("out");

  start(config: Config): void {
    this.#config = config;
    this.#clients = connect(config.grpc, () => this.#credentials);
    const token = config.auth === "token" ? (sessionStorage.getItem(TOKEN) ?? "") : "";
    this.#credentials = { operator: localStorage.getItem(NAME) ?? "", token };
  }

  get config(): Config {
    if (this.#config === undefined) throw new Error("the session was not started");
    return this.#config;
  }

  get clients(): Clients {
    if (this.#clients === undefined) throw new Error("the session was not started");
    return this.#clients;
  }

  /** What was typed the last time; what can be tried without asking. */
  get remembered(): Credentials {
    return this.#credentials;
  }

  /** Signs in; throws what the server answers instead. */
  async signIn(credentials: Credentials): Promise<void> {
    const before = this.#credentials;
    let isSomebodyElse = false;
    this.#credentials = credentials;
    try {
      const answer = await this.clients.session.getSession({}, { timeoutMs: 10_000 });
      const who = JSON.stringify([answer.name, answer.regions, answer.siteIds]);
      // Somebody else signs in where a session ended: what is on the screen may not be theirs to see.
      isSomebodyElse = this.#who !== "" && this.#who !== who;
      this.#who = who;
      this.name = answer.name;
      this.role = answer.role;
      this.expiresAt = millis(answer.expiresAt);
      this.#methods = new Set(answer.methods);
    } catch (error) {
      if (refusalOf(error).kind !== "unanswered") this.#credentials = before;
      throw error;
    }
    if (credentials.token !== "") sessionStorage.setItem(TOKEN, credentials.token);
    else localStorage.setItem(NAME, credentials.operator);
    if (isSomebodyElse) location.reload();
    this.state = "in";
  }

  signOut(): void {
    sessionStorage.removeItem(TOKEN);
    localStorage.removeItem(NAME);
    location.reload();
  }

  /** The server takes the token no more. */
  expire(): void {
    if (this.state === "in") this.state = "expired";
  }

  /** Whether they may call a method. */
  may(method: Method): boolean {
    const [service = "", name = ""] = method.split("/");
    const domain = service === "AlertService" ? "alert" : "registry";
    return this.#methods.has(`sos.${domain}.v1.${service}/${name}`);
  }
}

export const session = new Session();
