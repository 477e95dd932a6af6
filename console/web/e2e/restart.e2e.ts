// P5: a screen whose server is gone says so, and misses nothing once it is back.
import { expect, test } from "vitest";

import { mark, missedNothing, saysThatItIsOld, UNREACHABLE } from "./harness/away";
import { alertOf } from "./harness/operator";
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
