// When this operator was last here: the last position of the log that their screen showed. Kept in this browser.
import { leftBefore, parseSeen, type Mark, type Seen } from "../model/absence";
import { feed } from "./feed.svelte";
import { session } from "./session.svelte";
import { time } from "./time.svelte";

/** How often what was seen is written down, in milliseconds. */
const NOTE_MS = 5_000;

class Shift {
  /** Where they were when they left; nothing if they were never here. */
  left = $state.raw<Mark | undefined>();

  start(): void {
    const key = `sos.seen.${session.name}`;
    this.left = leftBefore(parseSeen(localStorage.getItem(key)), time.now);
    const note = (): void => {
      const last = { position: String(feed.watch.position), at: time.now };
      if (feed.watch.isLive) localStorage.setItem(key, JSON.stringify({ last, left: this.left } satisfies Seen));
    };
    setInterval(note, NOTE_MS);
    addEventListener("pagehide", note);
  }
}

export const shift = new Shift();
