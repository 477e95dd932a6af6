// One watch of the server: opened, followed, resumed behind its last position, for as long as the page lives.
import { Pulse } from "../model/pulse";
import { refusalOf, type Refusal } from "../wire/refusal";
import { session } from "./session.svelte";
import { time } from "./time.svelte";

/** Pauses between two tries to resume, in milliseconds. */
const RETRY_MS = [250, 500, 1_000, 2_000] as const;

/** One step of a watch, whatever it is of. */
export interface Step<Item> {
  readonly position: bigint;
  readonly event:
    | { readonly case: "snapshot" | "changed"; readonly value: Item }
    | { readonly case: "snapshotEnd"; readonly value: unknown }
    | { readonly case: "heartbeat"; readonly value: { readonly headPosition: bigint; readonly serverTime?: { readonly seconds: bigint; readonly nanos: number } } }
    | { readonly case: undefined; readonly value?: undefined };
}

/** Where what a watch tells goes. */
export interface Sink<Item> {
  /** Everything known so far is void: a snapshot begins. */
  begin(): void;
  /** An item in its newest state; `isNews`: it is a change, not part of a snapshot. */
  take(item: Item, isNews: boolean): void;
  /** The snapshot is complete. */
  complete(): void;
}

/** Which log the server has, whose positions mean nothing to another one; asked anew before a watch is resumed. */
type LogId = (isResuming: boolean, signal: AbortSignal) => Promise<string>;

export class Watch<Item> {
  readonly #open: (afterPosition: bigint, signal: AbortSignal) => AsyncIterable<Step<Item>>;
  readonly #sink: Sink<Item>;
  readonly #askLogId: LogId;
  #logId = "";
  readonly #pulse = new Pulse();
  #position = 0n;
  /** The opening snapshot has come. */
  #isWhole = false;
  /** When it spoke last, by a clock that nobody can set. */
  #heardAt = 0;
  #attempt: AbortController | undefined;
  #wake: (() => void) | undefined;
  /** Ends with this run of the watch; another one may begin before it has noticed. */
  #life = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Whether what was told is what is. */
  isLive = $state(false);
  /** Since when it is not, by the server's clock; nothing before it first was. */
  staleSince = $state<number | undefined>();
  /** Why the last try failed. */
  trouble = $state.raw<Refusal | undefined>();

  constructor(open: (afterPosition: bigint, signal: AbortSignal) => AsyncIterable<Step<Item>>, sink: Sink<Item>, logId: LogId) {
    this.#open = open;
    this.#sink = sink;
    this.#askLogId = logId;
  }

  /** Everything up to here was told. */
  get position(): bigint {
    return this.#position;
  }

  start(): void {
    this.#life = new AbortController();
    this.#timer = setInterval(() => this.#look(), 500);
    globalThis.addEventListener("online", this.retryNow);
    document.addEventListener("visibilitychange", this.#looksUp);
    void this.#run(this.#life.signal);
  }

  stop(): void {
    this.#life.abort();
    clearInterval(this.#timer);
    globalThis.removeEventListener("online", this.retryNow);
    document.removeEventListener("visibilitychange", this.#looksUp);
    this.#attempt?.abort();
    this.#wake?.();
    this.#pulse.lost();
    this.#look();
  }

  /** Does not wait for the next try. */
  readonly retryNow = (): void => {
    if (!this.isLive) {
      this.#attempt?.abort();
      this.#wake?.();
    }
  };

  readonly #looksUp = (): void => {
    if (document.visibilityState === "visible") this.#look();
  };

  async #run(life: AbortSignal): Promise<void> {
    for (let failures = 0; !life.aborted; failures += 1) {
      if (session.state === "expired") {
        await this.#pause(500);
        failures = -1;
        continue;
      }
      const attempt = new AbortController();
      this.#attempt = attempt;
      this.#pulse.opened(performance.now());
      try {
        await this.#recognise(attempt.signal);
        if (this.#position === 0n) {
          this.#isWhole = false;
          this.#sink.begin();
        }
        for await (const step of this.#open(this.#position, attempt.signal)) {
          this.#step(step);
          failures = 0;
        }
      } catch (error) {
        if (life.aborted) return;
        this.#fail(refusalOf(error));
      }
      if (life.aborted) return;
      this.#pulse.lost();
      this.#look();
      const pause = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 2_000;
      await this.#pause(pause * (0.8 + 0.4 * Math.random()));
    }
  }

  /** Whether it is still the log that was watched; of another one, everything is new. */
  async #recognise(signal: AbortSignal): Promise<void> {
    const logId = await this.#askLogId(this.#position > 0n, signal);
    if (logId !== this.#logId) this.#position = 0n;
    this.#logId = logId;
  }

  #step(step: Step<Item>): void {
    const { event } = step;
    let head: bigint | undefined;
    if (event.case === "snapshot" || event.case === "changed") {
      this.#sink.take(event.value, event.case === "changed");
    } else if (event.case === "snapshotEnd") {
      this.#sink.complete();
      this.#isWhole = true;
    } else if (event.case === "heartbeat") {
      const { headPosition, serverTime } = event.value;
      head = headPosition;
      if (serverTime !== undefined) time.heard(Number(serverTime.seconds) * 1000 + serverTime.nanos / 1e6);
    }
    // Only what has arrived is not asked for again.
    if (step.position > 0n) this.#position = step.position;
    this.#heardAt = performance.now();
    this.#pulse.heard(this.#heardAt, this.#position, head);
    this.trouble = undefined;
    this.#look();
  }

  #fail(refusal: Refusal): void {
    this.trouble = refusal;
    if (refusal.kind === "signedOut") void session.expire();
    // The log is not the one that was watched: it is shorter.
    if (refusal.kind === "invalid") this.#position = 0n;
  }

  /** Looks whether the screen is live, and gives up a watch that says nothing. */
  #look(): void {
    const now = performance.now();
    const isLive = this.#isWhole && this.#pulse.isLive(now);
    if (this.isLive && !isLive) this.staleSince = time.at(this.#heardAt);
    if (isLive) this.staleSince = undefined;
    this.isLive = isLive;
    if (this.#pulse.isSilent(now)) this.#attempt?.abort();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
