// P5: a screen whose server is gone says so, and misses nothing once it is back.
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";

import { mark, missedNothing, saysThatItIsOld, UNREACHABLE } from "./harness/away";
import { alertOf, allAlerts } from "./harness/operator";
import { eventually } from "./harness/server";
import { stage } from "./harness/stage";

const on = stage();

test("P5: the server is killed in the middle of presses, and starts again", async () => {
  const screen = await on.open({ operator: "asel", expected: UNREACHABLE });
  await mark(screen);
  for (let number = 0; number < 5; number += 1) await on.buttons.press(`school-12/room-${number}`);
  const { alertId } = await alertOf(on.clients, "school-12/room-4");
  await screen.rowIs(alertId, "RAISED");

  await on.server.kill();
  await saysThatItIsOld(screen);
  expect(await screen.get("alert-row").count()).toBe(5);
  // They press while nobody is there, and repeat it until somebody is.
  const pressed = Promise.all([5, 6, 7].map((number) => on.buttons.press(`school-12/room-${number}`)));
  await on.server.start();
  await pressed;
  // What happens before the screen is back is missed by nobody either.
  await on.clients.alerts.acknowledgeAlert({ alertId, requestId: "while-away" });
  await alertOf(on.clients, "school-12/room-7");
  await screen.live();
  await missedNothing(screen, on.clients);
  await screen.rowIs(alertId, "ACKNOWLEDGED");
});

test("P5: a command given just before the server dies has one effect once it is back", async () => {
  const screen = await on.open({ operator: "asel", expected: UNREACHABLE });
  await mark(screen);
  await on.buttons.press("school-12/yard");
  const { alertId } = await alertOf(on.clients, "school-12/yard");
  const row = await screen.rowIs(alertId, "RAISED");
  await on.server.kill();
  await row.locator('[data-testid="acknowledge"]').click();
  await row.getByText("Sending…").waitFor();
  expect(await row.getAttribute("data-state"), "nothing is claimed before it is so").toBe("RAISED");
  await on.server.start();
  await screen.rowIs(alertId, "ACKNOWLEDGED");
  await screen.live();
  const { timeline } = await on.clients.alerts.getAlert({ alertId });
  expect(timeline.filter((entry) => entry.event?.body.case === "alertAcknowledged")).toHaveLength(1);
  expect(await screen.get("notice").count()).toBe(0);
});

test("another log on the same ports, longer than the old one: nothing of the old one is shown", async () => {
  const screen = await on.open({ operator: "asel", expected: UNREACHABLE });
  await on.buttons.press("old-site/door-1");
  const { alertId } = await alertOf(on.clients, "old-site/door-1");
  await screen.rowIs(alertId, "RAISED");
  await on.server.kill();
  await screen.stale();
  await rm(join(on.server.scratch, "data"), { recursive: true });
  // What is pressed before the page is back makes the new log longer than the old one was.
  await screen.context.setOffline(true);
  await on.server.start();
  const before = (await allAlerts(on.clients)).length;
  for (let door = 0; door < 60; door += 1) await on.buttons.press(`new-site/door-${door}`);
  await eventually("all presses are alerts", async () => (await allAlerts(on.clients)).length === before + 60 || undefined);
  await screen.context.setOffline(false);
  await screen.live();
  await screen.page.locator(`[data-testid="alert-row"][data-alert-id="${alertId}"]`).waitFor({ state: "detached" });
  const { alertId: first } = await alertOf(on.clients, "new-site/door-0");
  await screen.rowIs(first, "RAISED");
});
