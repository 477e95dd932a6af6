// When this operator was last here: the last position of the log that their screen showed. Kept in this browser.
import { feed } from "./feed.svelte";
import { session } from "./session.svelte";
import { time } from "./time.svelte";

/** How often what was seen is written down, in milliseconds. */
const NOTE_MS = 5_000;

interface Left {
  /** The position of the log. */
  readonly position: string;
  /** The server's time, in milliseconds since 1970. */
  readonly at: number;
}

class Shift {
  /** Where they were when they left; nothing if they were never here. */
  left = $state.raw<Left | undefined>();

  start(): void {
    const key = `sos.left.${session.name}`;
    this.left = parse(localStorage.getItem(key));
    const note = (): void => {
      const position = feed.watch.position;
      if (feed.watch.isLive) localStorage.setItem(key, JSON.stringify({ position: String(position), at: time.now } satisfies Left));
    };
    setInterval(note, NOTE_MS);
    addEventListener("pagehide", note);
  }
}

function parse(text: string | null): Left | undefined {
  try {
    const { position, at } = JSON.parse(text ?? "") as Partial<Left>;
    return typeof position === "string" && /^\d{1,19}$/.test(position) && typeof at === "number" ? { position, at } : undefined;
  } catch {
    return undefined;
  }
}

export const shift = new Shift();
