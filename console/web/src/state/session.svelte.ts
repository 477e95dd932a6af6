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
  #isRenewing = false;
  #logId = "";

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
    // A name of another tab is a suggestion, no more.
    this.#credentials = { operator: sessionStorage.getItem(NAME) ?? "", token };
  }

  get config(): Config {
    if (this.#config === undefined) throw new Error("the session was not started");
    return this.#config;
  }

  get clients(): Clients {
    if (this.#clients === undefined) throw new Error("the session was not started");
    return this.#clients;
  }

  /** The name that was given in this browser last. */
  get suggested(): string {
    return localStorage.getItem(NAME) ?? "";
  }

  /** Who was signed in before this tab was loaded again: can be tried without asking. */
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
      this.#logId = answer.logId;
      this.role = answer.role;
      this.expiresAt = millis(answer.expiresAt);
      this.#methods = new Set(answer.methods);
    } catch (error) {
      if (refusalOf(error).kind !== "unanswered") this.#credentials = before;
      throw error;
    }
    if (credentials.token !== "") sessionStorage.setItem(TOKEN, credentials.token);
    else {
      sessionStorage.setItem(NAME, credentials.operator);
      localStorage.setItem(NAME, credentials.operator);
    }
    if (isSomebodyElse) return location.reload();
    this.state = "in";
  }

  /** Which log the server has: now, or as of when that was asked last. */
  readonly logId = async (isNow: boolean, signal: AbortSignal): Promise<string> => {
    if (isNow) this.#logId = (await this.clients.session.getSession({}, { signal, timeoutMs: 10_000 })).logId;
    return this.#logId;
  };

  signOut(): void {
    sessionStorage.removeItem(TOKEN);
    sessionStorage.removeItem(NAME);
    localStorage.removeItem(NAME);
    location.reload();
  }

  /** The server refused: the token has ended, unless it is accepted when it is shown again, as after a change of keys. */
  async expire(): Promise<void> {
    if (this.state !== "in" || this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      await this.signIn(this.#credentials);
    } catch (error) {
      if (refusalOf(error).kind === "signedOut") this.state = "expired";
    } finally {
      this.#isRenewing = false;
    }
  }

  /** Whether they may call a method. */
  may(method: Method): boolean {
    const [service = "", name = ""] = method.split("/");
    const domain = service === "AlertService" ? "alert" : "registry";
    return this.#methods.has(`sos.${domain}.v1.${service}/${name}`);
  }
}

export const session = new Session();
