// P10: 2,000 open alerts: every one can be reached, and the page holds only those near the window.
import { spawn } from "node:child_process";

import { expect, test } from "vitest";

import { allAlerts } from "./harness/operator";
import { BINARY, eventually } from "./harness/server";
import { stage } from "./harness/stage";

const ALERTS = 2_000;
const ROWS_MAX = 100;

const on = stage({ SOS_MQTT__DEVICE_RATE: "0" }, async ({ buttons, clients }) => {
  const callPoints = Array.from({ length: ALERTS }, (_, number) => `site-${number % 100}/button-${Math.floor(number / 100)}`);
  await Promise.all(callPoints.map((callPoint) => buttons.press(callPoint)));
  await eventually("all alerts are open", async () => (await allAlerts(clients)).length >= ALERTS || undefined);
});

/** Frames while the list is scrolled for so long: gaps between them in milliseconds, and the most rows that were in the page. */
function scrolling(ms: number): Promise<{ gaps: number[]; rows: number }> {
  const list = document.querySelector('[data-testid="alert-row"]')?.closest("ol")?.parentElement;
  if (list == null) throw new Error("there is no list");
  const gaps: number[] = [];
  let rows = 0;
  const start = performance.now();
  return new Promise((resolve) => {
    let before = start;
    const frame = (now: number): void => {
      gaps.push(now - before);
      before = now;
      list.scrollTop = ((now - start) * 3) % (list.scrollHeight - list.clientHeight);
      rows = Math.max(rows, document.querySelectorAll('[data-testid="alert-row"]').length);
      if (now - start < ms) requestAnimationFrame(frame);
      else resolve({ gaps: gaps.slice(1), rows });
    };
    requestAnimationFrame(frame);
  });
}

/** Scrolls to the end, a window a frame: every row that was in the page on the way, and the most that were at once. */
function toTheEnd(): Promise<{ found: string[]; most: number }> {
  const list = document.querySelector('[data-testid="alert-row"]')?.closest("ol")?.parentElement;
  if (list == null) throw new Error("there is no list");
  const found = new Set<string>();
  let most = 0;
  return new Promise((resolve) => {
    const frame = (): void => {
      const rows = document.querySelectorAll('[data-testid="alert-row"]');
      for (const row of rows) found.add(row.getAttribute("data-alert-id") ?? "");
      most = Math.max(most, rows.length);
      if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) resolve({ found: [...found], most });
      else requestAnimationFrame(frame);
      list.scrollTop += list.clientHeight / 2;
    };
    requestAnimationFrame(frame);
  });
}

function figures(what: string, gaps: readonly number[]): void {
  const sorted = [...gaps].sort((one, other) => one - other);
  const at = (part: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(1);
  const long = sorted.filter((gap) => gap > 50).length;
  console.log(`${what}: ${sorted.length} frames, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms, longer than 50 ms: ${long}`);
}

test("every row can be reached, by wheel and by key, and the page stays small", async () => {
  const screen = await on.open({ operator: "asel" });
  const rows = screen.get("alert-row");
  await rows.first().waitFor();
  expect(await rows.count()).toBeLessThan(ROWS_MAX);

  const { found, most } = await screen.page.evaluate(toTheEnd);
  expect(new Set(found).size).toBe(ALERTS);
  expect(most).toBeLessThan(ROWS_MAX);

  await screen.page.locator("body").press("Home");
  await screen.page.keyboard.press("End");
  await screen.page.locator(`[aria-posinset="${ALERTS}"] [data-testid="alert-row"]`).waitFor();
});

test("it stays small while the list is scrolled and 50 changes a second come", async () => {
  const screen = await on.open({ operator: "asel" });
  await screen.get("alert-row").first().waitFor();
  const still = await screen.page.evaluate(scrolling, 3_000);
  figures("scrolling", still.gaps);
  const { grpc, mqtt } = on.server;
  const load = spawn(BINARY, ["simulate", "load", "--devices", "50", "--rate", "50", "--seconds", "6", "--mqtt", mqtt, "--grpc", grpc], { stdio: "ignore" });
  const ended = new Promise((resolve) => load.once("exit", resolve));
  await eventually("changes come", async () => (await screen.page.title()) !== `(${ALERTS}) SOS` || undefined);
  const busy = await screen.page.evaluate(scrolling, 4_000);
  figures("scrolling while 50 changes a second come", busy.gaps);
  expect(await ended).toBe(0);
  expect(Math.max(still.rows, busy.rows)).toBeLessThan(ROWS_MAX);
  const open = (await allAlerts(on.clients)).length;
  await eventually("all of them are counted", async () => (await screen.page.title()) === `(${open}) SOS` || undefined);
});
