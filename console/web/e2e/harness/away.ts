// A screen that was away from its server: what it says meanwhile, and that it missed nothing.
import { expect } from "vitest";

import type { Clients } from "../../src/wire/clients";
import type { Screen } from "./browser";
import { allAlerts } from "./operator";
import { eventually } from "./server";

/** What a browser says of a server or a network that is not there. */
export const UNREACHABLE = /net::ERR_(CONNECTION_|INTERNET_DISCONNECTED|INCOMPLETE_CHUNKED|EMPTY_RESPONSE|NETWORK|SOCKET|FAILED|ABORTED)/;

/** Marks the page, so that one that was loaded again is told from it. */
export async function mark(screen: Screen): Promise<void> {
  await screen.page.evaluate(() => Object.assign(window, { isSamePage: true }));
}

/** The page says since when it is old, looks old, and shows what it had. */
export async function saysThatItIsOld(screen: Screen): Promise<void> {
  await screen.stale();
  expect(await screen.get("connection").innerText()).toMatch(/STALE since .*\d\d:\d\d:\d\d/);
  expect(await screen.page.locator("main").evaluate((main) => getComputedStyle(main).filter)).toContain("grayscale");
  expect(await screen.page.title()).toContain("⚠");
}

/** The page was not loaded again, and what it shows is exactly what the server has open. */
export async function missedNothing(screen: Screen, clients: Clients): Promise<void> {
  const open = (await allAlerts(clients)).filter((alert) => alert.state !== 3);
  await eventually("the screen shows what the server has", async () => {
    const rows = await screen.get("alert-row").evaluateAll((found) => found.map((row) => `${row.getAttribute("data-alert-id")} ${row.getAttribute("data-state")}`));
    const states = ["", "RAISED", "ACKNOWLEDGED", "RESOLVED"];
    return rows.sort().join() === open.map((alert) => `${alert.alertId} ${states[alert.state]}`).sort().join() || undefined;
  });
  expect(await screen.page.evaluate(() => "isSamePage" in window)).toBe(true);
}
