// What the operator is told and has to be able to read in peace: refusals stay until they are put away.

export interface Notice {
  readonly id: number;
  readonly tone: "bad" | "good";
  readonly text: string;
  /** The alert it is about; empty for none. */
  readonly alertId: string;
  readonly again?: (() => void) | undefined;
}

/** More are not shown; the oldest goes. */
const NOTICES_MAX = 4;

/** Good news is gone by itself after so long, in milliseconds. */
const GOOD_MS = 5_000;

class Notices {
  #next = 1;
  all = $state.raw<readonly Notice[]>([]);

  add(tone: Notice["tone"], text: string, alertId = "", again?: () => void): void {
    const notice: Notice = { id: this.#next++, tone, text, alertId, again };
    this.all = [...this.all.slice(1 - NOTICES_MAX), notice];
    if (tone === "good") setTimeout(() => this.dismiss(notice.id), GOOD_MS);
  }

  dismiss(id: number): void {
    this.all = this.all.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();
