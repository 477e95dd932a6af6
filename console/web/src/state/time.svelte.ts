// What time it is at the server. The browser's own clock may be wrong by hours and is never shown.

/** A clock that is set by each heartbeat, and runs on by a clock that nobody can set. */
export class ServerClock {
  #server = 0;
  #monotonic = 0;

  /** The server says what time it is. */
  heard(serverMs: number, monotonicMs: number): void {
    this.#server = serverMs;
    this.#monotonic = monotonicMs;
  }

  /** Whole milliseconds since 1970 by the server's clock; 0 before it was heard. */
  at(monotonicMs: number): number {
    return this.#server === 0 ? 0 : Math.round(this.#server + (monotonicMs - this.#monotonic));
  }
}

class Time {
  readonly #clock = new ServerClock();
  /** The server's time, as of the last second; 0 before it was heard. */
  now = $state(0);

  heard(serverMs: number): void {
    this.#clock.heard(serverMs, performance.now());
    if (this.now === 0) this.tick();
  }

  tick(): void {
    this.now = this.at(performance.now());
  }

  /** The server's time when a clock that nobody can set showed this. */
  at(monotonicMs: number): number {
    return this.#clock.at(monotonicMs);
  }
}

export const time = new Time();
