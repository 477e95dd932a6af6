// The time on the screen is the server's, whatever the browser's clock says.
import { expect, test } from "vitest";

import { ServerClock } from "./time.svelte";

test("before the server spoke there is no time", () => {
  expect(new ServerClock().at(5_000)).toBe(0);
});

test("the clock runs on from the last heartbeat, and each heartbeat sets it", () => {
  const clock = new ServerClock();
  clock.heard(1_770_000_000_000, 500);
  expect(clock.at(2_000)).toBe(1_770_000_001_500);
  clock.heard(1_770_000_002_000, 2_600);
  expect(clock.at(2_600)).toBe(1_770_000_002_000);
});

test("a server whose clock was set back is followed", () => {
  const clock = new ServerClock();
  clock.heard(1_770_000_010_000, 0);
  clock.heard(1_770_000_001_000, 1_000);
  expect(clock.at(1_500)).toBe(1_770_000_001_500);
});

test("it tells whole milliseconds: the wire has no others", () => {
  const clock = new ServerClock();
  clock.heard(1_770_000_000_000.123456, 0.1);
  expect(Number.isInteger(clock.at(1_234.5678))).toBe(true);
});
