// Refusals stay until they are put away; good news goes by itself; there are never too many.
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { notices } from "./notices.svelte";

beforeEach(() => {
  vi.useFakeTimers();
  notices.all = [];
});

afterEach(() => {
  vi.useRealTimers();
});

const texts = (): string[] => notices.all.map((notice) => notice.text);

test("a refusal stays, good news is gone after a while", () => {
  notices.add("bad", "refused");
  notices.add("good", "saved");
  vi.advanceTimersByTime(60_000);
  expect(texts()).toEqual(["refused"]);
  notices.dismiss(notices.all[0]?.id ?? 0);
  expect(texts()).toEqual([]);
});

test("P10: of more than four the oldest goes", () => {
  for (const text of ["1", "2", "3", "4", "5", "6"]) notices.add("bad", text);
  expect(texts()).toEqual(["3", "4", "5", "6"]);
});
