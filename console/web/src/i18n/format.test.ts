// Times, ages and numbers as people there write them.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { afterEach, expect, test } from "vitest";

import { count, dateTime, decimal, duration, millis, moment, timeOfDay } from "./format";
import { language, type Lang } from "./lang.svelte";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

afterEach(() => {
  language.current = "en";
});

test.each([
  [-5 * SECOND, "0:00"],
  [0, "0:00"],
  [999, "0:00"],
  [59 * SECOND, "0:59"],
  [60 * SECOND, "1:00"],
  [HOUR - SECOND, "59:59"],
  [HOUR, "1:00:00"],
  [DAY - 1, "23:59:59"],
  [DAY, "1 d 0:00:00"],
  [3 * DAY + HOUR + 2 * SECOND, "3 d 1:00:02"],
])("%d ms last %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test("a moment of today is a time, one of another day has its date", () => {
  const noon = new Date(2026, 2, 1, 12, 30, 15).getTime();
  expect(moment(noon, noon + HOUR)).toBe("12:30:15");
  expect(moment(noon, noon + DAY)).toContain("01/03/2026");
});

test.each<[Lang, RegExp, RegExp]>([
  ["en", /^01\/03\/2026, 00:05:09$/, /^1,234,567$/],
  ["ru", /^01\.03\.2026, 00:05:09$/, /^1\s234\s567$/],
  ["kk", /^01\.03\.2026, 00:05:09$/, /^1\s234\s567$/],
])("in %s", (lang, time, number) => {
  language.current = lang;
  const night = new Date(2026, 2, 1, 0, 5, 9).getTime();
  expect(timeOfDay(night)).toBe("00:05:09");
  expect(dateTime(night)).toMatch(time);
  expect(count(1_234_567)).toMatch(number);
  expect(count(1_234_567n)).toMatch(number);
  expect(duration(2 * DAY + HOUR)).toBe(`2 ${{ en: "d", ru: "д", kk: "күн" }[lang]} 1:00:00`);
  expect(decimal(0.5, 2)).toMatch(/^0[.,]50$/);
});

test("what the server did not say has no time", () => {
  expect(millis(undefined)).toBeUndefined();
  expect(millis(timestampFromMs(1_770_000_000_123))).toBe(1_770_000_000_123);
});
