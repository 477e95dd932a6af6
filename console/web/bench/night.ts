// Two browsers with the console in them through a night that somebody else makes: `cargo xtask soak --minutes N`.
// They fail where a page complains, shows other alerts than a fresh list, or grows without end.
import { existsSync } from "node:fs";
import { dirname } from "node:path";

import type { Browser, CDPSession } from "playwright-core";
import { afterAll, expect, test } from "vitest";

import { mark, UNREACHABLE } from "../e2e/harness/away";
import { launch, Screen } from "../e2e/harness/browser";
import { allAlerts, operator } from "../e2e/harness/operator";
import { eventually } from "../e2e/harness/server";

const WHERE = { http: `http://${process.env["SOS_NIGHT_HTTP"] ?? ""}`, grpc: process.env["SOS_NIGHT_GRPC"] ?? "" };
const MINUTES = Number(process.env["SOS_NIGHT_MINUTES"] ?? 0);

/** A file that is there once the night is over. */
const OVER = process.env["SOS_NIGHT_OVER"] ?? "";

/** What the second officer looks at in turn. */
const PAGES = ["#/map", "#/devices", "#/shift", "#/alerts"];

/** How often the heaps are measured, and that officer turns the page. */
const LOOK_MS = 15_000;

/** A heap may grow by so much from the first third of the night on: the newest 2,000 closed alerts are kept, and all call points. */
const GROWTH_MAX_MB = 64;

/** A night that goes on longer than it was to go. */
const LATE_MS = 20 * 60_000;

const browsers: Browser[] = [];

afterAll(async () => {
  for (const browser of browsers) await browser.close();
});

/** What the page holds after its garbage was collected, in MB. */
async function heap(devtools: CDPSession): Promise<number> {
  await devtools.send("HeapProfiler.collectGarbage");
  const { metrics } = await devtools.send("Performance.getMetrics");
  return (metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? NaN) / 1_048_576;
}

/** Scrolls through the whole list: the alerts that are in it, and the state that each is shown in. */
function rows(): Promise<string[]> {
  const list = document.querySelector('[data-testid="alert-row"]')?.closest("ol")?.parentElement;
  if (list == null) return Promise.resolve([]);
  const found = new Map<string, string>();
  list.scrollTop = 0;
  return new Promise((resolve) => {
    const frame = (): void => {
      for (const row of document.querySelectorAll('[data-testid="alert-row"]')) found.set(row.getAttribute("data-alert-id") ?? "", row.getAttribute("data-state") ?? "");
      if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) resolve([...found].map((row) => row.join(" ")).sort());
      else requestAnimationFrame(frame);
      list.scrollTop += list.clientHeight / 2;
    };
    requestAnimationFrame(() => requestAnimationFrame(frame));
  });
}

/** The page shows every open alert in its state, and no other. */
async function agrees(screen: Screen, name: string): Promise<void> {
  const clients = operator(WHERE);
  const states = ["", "RAISED", "ACKNOWLEDGED", "RESOLVED"];
  const open = async (): Promise<string[]> => (await allAlerts(clients)).filter(({ state }) => state !== 3).map(({ alertId, state }) => `${alertId} ${states[state] ?? ""}`).sort();
  await screen.go("#/alerts");
  await screen.live();
  await screen.get("alert-row").first().waitFor();
  const count = await eventually(`${name} shows what a fresh list has`, async () => {
    const [before, shown, after] = [await open(), await screen.page.evaluate(rows), await open()];
    return (before.join() === after.join() && shown.join() === after.join() ? { shown: shown.length } : undefined);
  }, 60_000);
  expect(await screen.page.evaluate(() => "isSamePage" in window), "the page was not loaded again").toBe(true);
  console.log(`${name}: shows exactly the ${count.shown} open alerts of a fresh list`);
}

test("a night", async () => {
  const screens: { name: string; screen: Screen; devtools: CDPSession; heaps: number[] }[] = [];
  for (const name of ["asel", "daniyar"]) {
    const browser = await launch();
    browsers.push(browser);
    const screen = await Screen.open(browser, WHERE, { operator: name, expected: UNREACHABLE });
    await mark(screen);
    const devtools = await screen.context.newCDPSession(screen.page);
    await devtools.send("Performance.enable");
    screens.push({ name, screen, devtools, heaps: [] });
  }
  for (let turn = 0; !existsSync(OVER); turn += 1) {
    expect(existsSync(dirname(OVER)), "somebody makes this night").toBe(true);
    await screens[1]?.screen.go(PAGES[turn % PAGES.length] ?? "");
    for (const { devtools, heaps } of screens) heaps.push(await heap(devtools));
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
  }
  for (const { name, screen, heaps } of screens) {
    await agrees(screen, name);
    const [early = NaN, late = NaN] = [heaps[Math.floor(heaps.length / 3)], Math.max(...heaps.slice(-4))];
    console.log(`${name}: heap ${heaps.filter((_, at) => at % Math.ceil(heaps.length / 12) === 0).map((mb) => mb.toFixed(1)).join(", ")} MB; from ${early.toFixed(1)} to ${late.toFixed(1)} MB`);
    expect(late - early, `how much the heap of ${name} grew, in MB`).toBeLessThan(GROWTH_MAX_MB);
    expect(screen.problems, `what the page of ${name} complained of`).toEqual([]);
  }
}, MINUTES * 60_000 + LATE_MS);
