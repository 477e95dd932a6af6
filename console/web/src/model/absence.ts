// When an operator was last here, as far as this browser knows. Pure; the times are the server's.

/** A look at the screen after less time than this is the same shift, in milliseconds: a page that was loaded again, say. */
const SAME_SHIFT_MS = 30 * 60_000;

/** A position of the log, and when it was on the screen in milliseconds since 1970. */
export interface Mark {
  readonly position: string;
  readonly at: number;
}

/** What is kept: what the screen showed last, and what it showed when the operator left before this shift. */
export interface Seen {
  readonly last: Mark;
  readonly left?: Mark | undefined;
}

/** Where they left, for somebody who comes now. */
export function leftBefore(seen: Seen | undefined, now: number): Mark | undefined {
  if (seen === undefined) return undefined;
  return now - seen.last.at < SAME_SHIFT_MS ? seen.left : seen.last;
}

function isMark(value: unknown): value is Mark {
  const { position, at } = (value ?? {}) as Partial<Mark>;
  return typeof position === "string" && /^\d{1,19}$/.test(position) && typeof at === "number";
}

/** Reads what was kept; nothing if it cannot be read. */
export function parseSeen(text: string | null): Seen | undefined {
  try {
    const { last, left } = JSON.parse(text ?? "") as Partial<Seen>;
    return isMark(last) ? { last, left: isMark(left) ? left : undefined } : undefined;
  } catch {
    return undefined;
  }
}
