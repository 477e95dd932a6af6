// The browser's clock is wrong by hours: every time and age on the screen is the server's.
import { expect, test } from "vitest";

import { alertOf } from "./harness/operator";
import { eventually } from "./harness/server";
import { stage } from "./harness/stage";

const on = stage();

/** A clock that is seven hours ahead. */
const WRONG = `{
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...given) { given.length === 0 ? super(Real.now() + 25_200_000) : super(...given); }
    static now() { return Real.now() + 25_200_000; }
  };
}`;

const HOUR_MS = 3_600_000;
const almaty = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Almaty", hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** Seconds from a time as it is shown to what it is there now, for a day that has no end between. */
function secondsOff(shown: string): number {
  const seconds = (text: string): number => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const off = seconds(almaty.format(Date.now())) - seconds(shown);
  return Math.min(Math.abs(off), 86_400 - Math.abs(off));
}

test("times and ages are the server's", async () => {
  const screen = await on.open({ operator: "asel", before: WRONG });
  expect(await screen.page.evaluate(() => Date.now())).toBeGreaterThan(Date.now() + 6 * HOUR_MS);
  await on.buttons.press("school-12/hall-1");
  const { alertId } = await alertOf(on.clients, "school-12/hall-1");
  const row = await screen.rowIs(alertId, "RAISED");
  expect(await row.innerText()).toMatch(/\b0:[0-5]\d\b/);
  expect(await screen.get("waiting").innerText()).toMatch(/longest 0:[0-5]\d/);
  const shown = await screen.get("connection").locator("time").innerText();
  expect(secondsOff(shown)).toBeLessThan(10);
  await screen.show(alertId);
  const times = (await screen.get("detail").innerText()).match(/\d\d:\d\d:\d\d/g) ?? [];
  expect(times.length).toBeGreaterThan(0);
  for (const time of times) expect(secondsOff(time)).toBeLessThan(120);
});

test("what is put aside for an hour is put aside for an hour", async () => {
  const screen = await on.open({ operator: "asel", before: WRONG });
  await on.buttons.say("school-12/hall-2", "event", { fault: { kind: "FAULT_KIND_TAMPER", active: true } });
  const { alertId } = await alertOf(on.clients, "school-12/hall-2");
  await screen.show(alertId);
  await screen.step("shelve").click();
  await screen.get("note-text").fill("A technician is on the way.");
  await screen.get("confirm").click();
  const until = await eventually("it is put aside", async () => {
    const { alert } = await on.clients.alerts.getAlert({ alertId });
    return alert?.shelving?.until === undefined ? undefined : Number(alert.shelving.until.seconds) * 1_000;
  });
  expect(Math.abs(until - Date.now() - HOUR_MS)).toBeLessThan(60_000);
});
