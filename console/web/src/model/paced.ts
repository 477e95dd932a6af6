// Something that is asked for often is done seldom: at once, and then at most once in a while.

export interface Paced {
  /** Asks for it. */
  readonly soon: () => void;
  /** It is not done any more. */
  readonly stop: () => void;
}

/** `work`, at most once in `ms`; the last wish is always fulfilled. */
export function paced(ms: number, work: () => void): Paced {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isWanted = false;
  const rest = (): void => {
    timer = undefined;
    if (isWanted) soon();
  };
  function soon(): void {
    isWanted = timer !== undefined;
    if (isWanted) return;
    timer = setTimeout(rest, ms);
    work();
  }
  return { soon, stop: () => clearTimeout(timer) };
}
