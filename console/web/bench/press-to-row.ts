// How long it takes from a press to the row on the officer's screen, with 500 open alerts and 50 changes a second,
// and in the same run to a gRPC watcher. It prints; it fails only where rows never come.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { launch, Screen } from "../e2e/harness/browser";
import { allAlerts, alertOf, operator } from "../e2e/harness/operator";
import { Buttons } from "../e2e/harness/press";
import { BINARY, eventually, Server } from "../e2e/harness/server";

const OPEN = 500;
const RATE = 50;
const PRESSES = Number(process.env["SOS_PRESSES"] ?? 200);
const GOAL_MS = 300;

let server: Server;
let browser: Browser;

beforeAll(async () => {
  server = await Server.up({ SOS_MQTT__DEVICE_RATE: "0" });
  browser = await launch();
});

afterAll(async () => {
  await browser.close();
  await server.close();
});

/** In the page: notes when a row of a site was painted, by the clock of the machine. */
const WATCHER = `
  globalThis.paintedAt = new Map();
  const now = () => performance.timeOrigin + performance.now();
  const known = new Set();
  new MutationObserver(() => {
    for (const row of document.querySelectorAll('[data-testid="alert-row"]')) {
      const id = row.getAttribute("data-alert-id");
      if (known.has(id)) continue;
      known.add(id);
      const site = /bench-\\d+/.exec(row.textContent)?.[0];
      if (site) requestAnimationFrame(() => requestAnimationFrame(() => paintedAt.set(site, now())));
    }
  }).observe(document, { subtree: true, childList: true });
`;

const machineNow = (): number => performance.timeOrigin + performance.now();

function figures(what: string, times: readonly number[]): void {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (part: number): string => (sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? NaN).toFixed(1).padStart(7);
  console.log(`${what.padEnd(40)} p50 ${at(0.5)} ms   p95 ${at(0.95)} ms   max ${at(1)} ms   (${sorted.length})`);
}

/** When a gRPC watcher had each site, by the clock of the machine. */
function watchOverGrpc(): { heardAt: Map<string, number>; stop(): void } {
  const child = spawn(BINARY, ["alerts", "watch", "--format", "json", "--grpc", server.grpc], { stdio: ["ignore", "pipe", "ignore"] });
  const heardAt = new Map<string, number>();
  createInterface(child.stdout).on("line", (line) => {
    const site = /bench-\d+/.exec(line)?.[0];
    if (site !== undefined && !heardAt.has(site)) heardAt.set(site, machineNow());
  });
  return { heardAt, stop: () => void child.kill("SIGKILL") };
}

test("press to row", async () => {
  const buttons = await Buttons.connect(server);
  const clients = operator(server, "bench");
  await Promise.all(Array.from({ length: OPEN }, (_, number) => buttons.press(`open-${number % 50}/button-${Math.floor(number / 50)}`)));
  await eventually("all alerts are open", async () => (await allAlerts(clients)).length >= OPEN || undefined);

  // The officer's view is narrowed to the sites that are measured, so that a new row is never below the window;
  // all alerts and changes come to the page all the same.
  const screen = await Screen.open(browser, server, { operator: "asel", hash: "#/alerts?q=bench-", before: WATCHER });
  const watcher = watchOverGrpc();
  const load = spawn(
    BINARY,
    ["simulate", "load", "--devices", "50", "--rate", String(RATE), "--seconds", "3600", "--mqtt", server.mqtt, "--grpc", server.grpc],
    { stdio: "ignore" },
  );
  await eventually("changes come", async () => (await allAlerts(clients)).length >= OPEN + 50 || undefined);

  const [toAck, toRow, toWatcher]: [number[], number[], number[]] = [[], [], []];
  for (let number = 0; number < PRESSES; number += 1) {
    const site = `bench-${number}`;
    const pressedAt = machineNow();
    await buttons.press(`${site}/button`);
    toAck.push(machineNow() - pressedAt);
    const paintedAt = await eventually(`the row of ${site}`, () => screen.page.evaluate((name) => (globalThis as unknown as { paintedAt: Map<string, number> }).paintedAt.get(name), site));
    toRow.push(paintedAt - pressedAt);
    toWatcher.push((await eventually(`${site} at the watcher`, () => watcher.heardAt.get(site))) - pressedAt);
    const { alertId } = await alertOf(clients, `${site}/button`);
    await clients.alerts.acknowledgeAlert({ alertId, requestId: `ack-${number}` });
    await clients.alerts.resolveAlert({ alertId, requestId: `close-${number}`, disposition: 1 });
  }
  load.kill("SIGKILL");
  watcher.stop();
  await buttons.close();
  console.log(`${PRESSES} presses, ${OPEN} open alerts, ${RATE} changes a second`);
  figures("press to PUBACK", toAck);
  figures("press to a gRPC watcher", toWatcher);
  figures(`press to the painted row (goal p95 ${GOAL_MS})`, toRow);
  expect(screen.problems).toEqual([]);
});
