// What is shown is what the watch told: a snapshot replaces, a change wins by its revision, and all of it is bounded.
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { AlertPriority, AlertState, ShelvingSchema } from "../gen/sos/alert/v1/alert_pb";
import { anAlert } from "../testing/sample";
import { Feed } from "./feed.svelte";

let feed: Feed;

beforeEach(() => {
  vi.useFakeTimers();
  feed = new Feed();
});

afterEach(() => {
  vi.useRealTimers();
});

const shown = (): string[] => feed.open.map((alert) => alert.alertId);

function snapshot(...ids: string[]): void {
  feed.begin();
  for (const alertId of ids) feed.take(anAlert({ alertId }), false);
  feed.complete();
  vi.advanceTimersByTime(100);
}

test("a snapshot is shown when it is complete, and what it does not hold is gone", () => {
  snapshot("a", "b");
  expect(shown()).toEqual(["a", "b"]);
  feed.begin();
  feed.take(anAlert({ alertId: "c" }), false);
  vi.advanceTimersByTime(100);
  expect(shown()).toEqual(["a", "b"]);
  feed.complete();
  expect(shown()).toEqual(["c"]);
});

test("a snapshot that breaks off takes nothing away", () => {
  snapshot("a", "b");
  feed.begin();
  feed.take(anAlert({ alertId: "c" }), false);
  feed.begin();
  for (const alertId of ["a", "b", "c"]) feed.take(anAlert({ alertId }), false);
  feed.complete();
  expect(shown()).toEqual(["a", "b", "c"]);
});

test("what a command answered is not undone by an older word of the watch", () => {
  snapshot("a");
  feed.learn(anAlert({ alertId: "a", state: AlertState.ACKNOWLEDGED, owner: "asel", revision: 3n }));
  feed.take(anAlert({ alertId: "a", revision: 2n }), true);
  expect(feed.get("a")?.owner).toBe("asel");
});

test("the first change of a flood is shown at once, and the last one soon", () => {
  snapshot("a");
  feed.take(anAlert({ alertId: "b" }), true);
  expect(shown()).toEqual(["a", "b"]);
  feed.take(anAlert({ alertId: "c" }), true);
  feed.take(anAlert({ alertId: "d", priority: AlertPriority.CRITICAL }), true);
  expect(shown()).toEqual(["a", "b"]);
  vi.advanceTimersByTime(100);
  expect(shown()).toEqual(["d", "a", "b", "c"]);
});

test("only what calls for somebody now is counted", () => {
  snapshot("a", "b");
  feed.take(anAlert({ alertId: "b", shelving: create(ShelvingSchema), revision: 2n }), true);
  feed.take(anAlert({ alertId: "c", state: AlertState.ACKNOWLEDGED }), true);
  vi.advanceTimersByTime(100);
  expect([feed.ringing, feed.open.length]).toEqual([1, 3]);
});

test("P10: of those that are closed, the newest 2,000 are kept", () => {
  snapshot("open");
  for (let number = 0; number < 2_500; number += 1) feed.take(anAlert({ alertId: `closed-${number}`, state: AlertState.RESOLVED }), true);
  vi.advanceTimersByTime(100);
  expect(feed.closed).toHaveLength(2_000);
  expect(feed.get("closed-499")).toBeUndefined();
  expect(feed.get("closed-500")).toBeDefined();
  expect(shown()).toEqual(["open"]);
});
