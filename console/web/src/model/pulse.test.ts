// P5: a screen that is more than 3 s behind is stale, and one that is not is live.
import { expect, test } from "vitest";

import { OPENING_MS, Pulse, STALE_AFTER_MS } from "./pulse";

function heardAt(ms: number, position = 7n, head = position): Pulse {
  const pulse = new Pulse();
  pulse.heard(ms, position, head);
  return pulse;
}

test("a watch that is being opened has longer than one that has spoken, but not for ever", () => {
  const pulse = new Pulse();
  expect([pulse.isLive(1e6), pulse.isSilent(1e6)]).toEqual([false, false]);
  pulse.opened(1_000);
  expect([pulse.isLive(1_001), pulse.isSilent(1_000 + OPENING_MS - 1)]).toEqual([false, false]);
  expect(pulse.isSilent(1_000 + OPENING_MS)).toBe(true);
});

test("P5: three seconds of silence make a screen stale, and not a millisecond less", () => {
  const pulse = heardAt(1_000);
  const last = 1_000 + STALE_AFTER_MS - 1;
  expect([pulse.isLive(last), pulse.isSilent(last)]).toEqual([true, false]);
  expect([pulse.isLive(last + 1), pulse.isSilent(last + 1)]).toEqual([false, true]);
});

test("P5: a screen that stays behind the head is stale although heartbeats come", () => {
  const pulse = heardAt(0);
  for (let now = 1_000; now < 1_000 + STALE_AFTER_MS; now += 1_000) pulse.heard(now, 7n, 9n);
  expect(pulse.isLive(999 + STALE_AFTER_MS)).toBe(true);
  pulse.heard(1_000 + STALE_AFTER_MS, 8n, 10n);
  expect([pulse.isLive(1_000 + STALE_AFTER_MS), pulse.isSilent(1_000 + STALE_AFTER_MS)]).toEqual([false, false]);
  pulse.heard(1_100 + STALE_AFTER_MS, 10n, 10n);
  expect(pulse.isLive(1_100 + STALE_AFTER_MS)).toBe(true);
});

test("a screen that follows a growing log closely is live, though the log is always a little ahead", () => {
  const pulse = heardAt(0);
  for (let now = 1_000; now < 20_000; now += 1_000) {
    const position = 7n + BigInt(now);
    pulse.heard(now, position, position + 5n);
    expect(pulse.isLive(now)).toBe(true);
    pulse.heard(now + 500, position + 10n);
  }
});

test("P5: a screen is live only once it has what the log held when the watch was opened", () => {
  const pulse = new Pulse();
  pulse.opened(0);
  pulse.heard(10, 1n);
  expect(pulse.isLive(10)).toBe(false);
  pulse.heard(20, 2n, 9n);
  expect(pulse.isLive(20)).toBe(false);
  pulse.heard(30, 9n);
  expect(pulse.isLive(30)).toBe(true);
});

test("a change without a heartbeat does not say how far the log is", () => {
  const pulse = heardAt(0);
  pulse.heard(1, 7n, 9n);
  pulse.heard(2_900, 8n);
  expect([pulse.isLive(3_000), pulse.isLive(3_001)]).toEqual([true, false]);
});

test("a watch that was lost counts as unheard until its next word", () => {
  const pulse = heardAt(0);
  pulse.lost();
  expect([pulse.isLive(1), pulse.isSilent(9_000)]).toEqual([false, false]);
  pulse.heard(9_000, 7n, 7n);
  expect(pulse.isLive(9_001)).toBe(true);
});
