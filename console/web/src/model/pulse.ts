// P5: whether what is on the screen can be trusted. Pure: the time is an argument, from a clock that nobody can set.

/** A screen that hears nothing for so long, or stays behind the log for so long, is stale. */
export const STALE_AFTER_MS = 3_000;

/** An attempt that has no answer for so long is given up: the way to the server may swallow everything. */
export const OPENING_MS = 10_000;

/** What is known of a watch. */
export class Pulse {
  #openedAt: number | undefined;
  #heardAt: number | undefined;
  /** Everything came that the log held when the watch was opened. */
  #hasCaughtUp = false;
  /** Where the log was ahead of the screen, and since when. */
  #ahead: { readonly head: bigint; readonly since: number } | undefined;

  /** An attempt begins. */
  opened(now: number): void {
    this.#openedAt = now;
  }

  /** Something came, and where the log stands if it said so. */
  heard(now: number, position: bigint, head?: bigint): void {
    this.#heardAt = now;
    if (head !== undefined) this.#ahead ??= { head, since: now };
    // A log that grows is always a little ahead: what counts is how soon the screen is where the log was.
    if (this.#ahead === undefined || position < this.#ahead.head) return;
    this.#hasCaughtUp = true;
    this.#ahead = undefined;
  }

  /** The watch was lost: nothing counts as heard before its next word. */
  lost(): void {
    this.#openedAt = undefined;
    this.#heardAt = undefined;
    this.#hasCaughtUp = false;
    this.#ahead = undefined;
  }

  /** Whether the screen shows what is. */
  isLive(now: number): boolean {
    if (!this.#hasCaughtUp || this.#heardAt === undefined || now - this.#heardAt >= STALE_AFTER_MS) return false;
    return this.#ahead === undefined || now - this.#ahead.since < STALE_AFTER_MS;
  }

  /** Whether the watch has said nothing for so long that another one should be tried. */
  isSilent(now: number): boolean {
    if (this.#heardAt !== undefined) return now - this.#heardAt >= STALE_AFTER_MS;
    return this.#openedAt !== undefined && now - this.#openedAt >= OPENING_MS;
  }
}
