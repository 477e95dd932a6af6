// Who comes back is told from where they left, and not from where the page was loaded again.
import { expect, test } from "vitest";

import { leftBefore, parseSeen } from "./absence";

const mark = (position: string, at: number) => ({ position, at });
const HOUR = 3_600_000;

test("after a night away, what was on the screen last is where they left", () => {
  expect(leftBefore({ last: mark("70", HOUR), left: mark("5", 0) }, 12 * HOUR)).toEqual(mark("70", HOUR));
});

test("a page that is loaded again remembers the same leaving", () => {
  expect(leftBefore({ last: mark("70", HOUR), left: mark("5", 0) }, HOUR + 60_000)).toEqual(mark("5", 0));
});

test("who was never here left nowhere", () => {
  expect(leftBefore(undefined, HOUR)).toBeUndefined();
  expect(leftBefore({ last: mark("70", HOUR) }, HOUR + 1)).toBeUndefined();
});

test("what cannot be read is as good as nothing", () => {
  const seen = { last: mark("70", 1), left: mark("5", 0) };
  expect(parseSeen(JSON.stringify(seen))).toEqual(seen);
  for (const text of [null, "", "{", "[]", '{"last":{"position":"x","at":1}}', '{"last":{"position":"7"}}']) expect(parseSeen(text)).toBeUndefined();
});
