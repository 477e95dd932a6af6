// However often it is asked for, it is done seldom, and the last wish is fulfilled.
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { paced } from "./paced";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("at once, and then once in a while", () => {
  const work = vi.fn();
  const { soon } = paced(250, work);
  soon();
  expect(work).toHaveBeenCalledTimes(1);
  for (let wish = 0; wish < 50; wish += 1) {
    soon();
    vi.advanceTimersByTime(20);
  }
  expect(work).toHaveBeenCalledTimes(5);
  vi.advanceTimersByTime(1_000);
  expect(work).toHaveBeenCalledTimes(5);
});

test("the last wish is fulfilled, and none after the end", () => {
  const work = vi.fn();
  const { soon, stop } = paced(250, work);
  soon();
  soon();
  vi.advanceTimersByTime(250);
  expect(work).toHaveBeenCalledTimes(2);
  soon();
  stop();
  vi.advanceTimersByTime(1_000);
  expect(work).toHaveBeenCalledTimes(2);
});
