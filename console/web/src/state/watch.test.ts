// P5: a watch resumes behind its last position, gives up when it hears nothing, and says when the screen is old.
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { STALE_AFTER_MS } from "../model/pulse";
import { time } from "./time.svelte";
import { Watch, type Sink, type Step } from "./watch.svelte";

const SERVER_S = 1_770_000_000n;

/** One stream that was opened, and what it is made to say. */
class Stream implements AsyncIterable<Step<string>> {
  #waiting: ((result: IteratorResult<Step<string>>) => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;
  readonly #said: Step<string>[] = [];

  constructor(readonly after: bigint, readonly signal: AbortSignal) {
    signal.addEventListener("abort", () => this.fail(new ConnectError("aborted", Code.Canceled)));
  }

  say(event: Step<string>["event"], position = 0n): void {
    const step = { position, event };
    if (this.#waiting === undefined) this.#said.push(step);
    else this.#waiting({ done: false, value: step });
    this.#waiting = undefined;
  }

  beat(head: bigint, position = head): void {
    this.say({ case: "heartbeat", value: { headPosition: head, serverTime: { seconds: SERVER_S, nanos: 0 } } }, position);
  }

  fail(error: unknown): void {
    this.#fail?.(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<Step<string>> {
    return {
      next: () =>
        new Promise((resolve, reject) => {
          this.#fail = reject;
          const value = this.#said.shift();
          if (value === undefined) this.#waiting = resolve;
          else resolve({ done: false, value });
        }),
    };
  }
}

class Told implements Sink<string> {
  words: string[] = [];
  begin(): void {
    this.words.push("begin");
  }
  take(item: string, isNews: boolean): void {
    this.words.push(`${isNews ? "changed" : "snapshot"} ${item}`);
  }
  complete(): void {
    this.words.push("complete");
  }
}

let streams: Stream[];
let told: Told;
let watch: Watch<string>;
let logId = "";

function newest(): Stream {
  const stream = streams.at(-1);
  if (stream === undefined) throw new Error("nothing was opened");
  return stream;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Tells a snapshot and a heartbeat at its end. */
async function becomeLive(position: bigint): Promise<void> {
  newest().say({ case: "snapshot", value: "one" });
  newest().say({ case: "snapshotEnd", value: {} }, position);
  newest().beat(position);
  await pass(0);
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  // It listens to the window and to the page.
  const page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  vi.stubGlobal("dispatchEvent", page.dispatchEvent.bind(page));
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
  streams = [];
  told = new Told();
  watch = new Watch((after, signal) => {
    const stream = new Stream(after, signal);
    streams.push(stream);
    return stream;
  }, told, () => Promise.resolve(logId));
  watch.start();
  await pass(0);
});

afterEach(() => {
  watch.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("positions of another log mean nothing, even where it is longer", async () => {
  logId = "first";
  await becomeLive(5n);
  newest().fail(new ConnectError("gone", Code.Unavailable));
  await pass(2_000);
  // The log had no first event when it was opened: nobody can say that it is the same.
  expect(newest().after).toBe(0n);
  await becomeLive(5n);
  newest().fail(new ConnectError("gone", Code.Unavailable));
  await pass(2_000);
  expect(newest().after).toBe(5n);
  logId = "second";
  newest().fail(new ConnectError("gone", Code.Unavailable));
  await pass(2_000);
  expect(newest().after).toBe(0n);
  logId = "";
});

test("it opens with a snapshot, and is live once that is complete", async () => {
  newest().say({ case: "snapshot", value: "one" });
  newest().beat(5n, 0n);
  await pass(0);
  expect([newest().after, watch.isLive]).toEqual([0n, false]);
  newest().say({ case: "snapshotEnd", value: {} }, 5n);
  newest().beat(5n);
  await pass(0);
  expect([watch.isLive, watch.position, watch.staleSince]).toEqual([true, 5n, undefined]);
  expect(told.words).toEqual(["begin", "snapshot one", "complete"]);
});

test("P5: it resumes behind its last position, without another snapshot", async () => {
  await becomeLive(5n);
  newest().say({ case: "changed", value: "two" }, 8n);
  await pass(0);
  newest().fail(new ConnectError("cut", Code.Unavailable));
  await pass(1_000);
  expect(streams.map((stream) => stream.after)).toEqual([0n, 8n]);
  expect(watch.trouble?.kind).toBe("unanswered");
  newest().say({ case: "changed", value: "three" }, 9n);
  newest().beat(9n);
  await pass(0);
  expect(told.words).toEqual(["begin", "snapshot one", "complete", "changed two", "changed three"]);
  expect([watch.isLive, watch.trouble]).toEqual([true, undefined]);
});

test("P5: a position of 0 is no position: a watch that breaks in its snapshot starts again from 0", async () => {
  newest().say({ case: "snapshot", value: "one" });
  await pass(0);
  newest().fail(new ConnectError("cut", Code.Unavailable));
  await pass(1_000);
  expect(newest().after).toBe(0n);
  await becomeLive(5n);
  expect(told.words).toEqual(["begin", "snapshot one", "begin", "snapshot one", "complete"]);
});

test("P5: three seconds of silence make the screen old, say since when, and start another attempt", async () => {
  await becomeLive(5n);
  await pass(STALE_AFTER_MS - 1);
  expect([watch.isLive, streams.length]).toEqual([true, 1]);
  await pass(1_500);
  expect(watch.isLive).toBe(false);
  // When it was noticed, by the server's clock as the page last showed it.
  expect(watch.staleSince).toBe(time.now);
  expect(streams[0]?.signal.aborted).toBe(true);
  await pass(500);
  expect(newest().after).toBe(5n);
  newest().beat(5n);
  await pass(0);
  expect([watch.isLive, watch.staleSince]).toEqual([true, undefined]);
});

test("a log that is another one than was watched is watched from 0", async () => {
  await becomeLive(5n);
  newest().fail(new ConnectError("after_position is beyond the head", Code.InvalidArgument));
  await pass(1_000);
  expect(newest().after).toBe(0n);
  expect(told.words.at(-1)).toBe("begin");
});

test("attempts get rarer, but one is made at least every three seconds", async () => {
  await becomeLive(5n);
  const at: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    const { length } = streams;
    newest().fail(new ConnectError("down", Code.Unavailable));
    while (streams.length === length) await pass(50);
    at.push(performance.now());
  }
  const pauses = at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(3_000);
  expect(pauses.at(-1)).toBeGreaterThan(pauses[0] ?? 0);
});

test("an attempt that is never answered does not keep the screen from being tried again", async () => {
  await becomeLive(5n);
  newest().fail(new ConnectError("cut", Code.Unavailable));
  await pass(1_000);
  expect(streams).toHaveLength(2);
  // The second attempt hangs: nothing comes, not even an error.
  await pass(60_000);
  expect(streams.length).toBeGreaterThan(2);
});

test("it does not wait once the network is back", async () => {
  await becomeLive(5n);
  for (let round = 0; round < 5; round += 1) {
    newest().fail(new ConnectError("down", Code.Unavailable));
    await pass(3_000);
  }
  newest().fail(new ConnectError("down", Code.Unavailable));
  await pass(10);
  const { length } = streams;
  dispatchEvent(new Event("online"));
  await pass(10);
  expect(streams).toHaveLength(length + 1);
});

test("one that is stopped asks no more", async () => {
  await becomeLive(5n);
  watch.stop();
  await pass(60_000);
  expect(streams).toHaveLength(1);
  expect(newest().signal.aborted).toBe(true);
});
