// P6: of two officers who take the same alert one wins, and the other is told who.
import { expect, test } from "vitest";

import type { Screen } from "./harness/browser";
import { alertOf } from "./harness/operator";
import { stage } from "./harness/stage";

const on = stage();

/** Holds back each screen's command until all of them are on their way. */
async function atOnce(screens: readonly Screen[]): Promise<void> {
  let missing = screens.length;
  let go: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (go = resolve));
  for (const { page } of screens) {
    await page.route("**/sos.alert.v1.AlertService/AcknowledgeAlert", async (call) => {
      missing -= 1;
      if (missing === 0) go();
      await all;
      await call.continue();
    });
  }
}

test.each([1, 2])("P6: one of two officers owns the alert, and the other is told who (%d)", async (round) => {
  const names = ["asel", "daniyar"] as const;
  const screens = await Promise.all(names.map((operator) => on.open({ operator })));
  await on.buttons.press(`school-12/gate-${round}`);
  const { alertId } = await alertOf(on.clients, `school-12/gate-${round}`);
  await Promise.all(screens.map((screen) => screen.show(alertId)));
  await atOnce(screens);
  await Promise.all(screens.map((screen) => screen.step("acknowledge").click()));
  await Promise.all(screens.map((screen) => screen.rowIs(alertId, "ACKNOWLEDGED")));

  const { alert, timeline } = await on.clients.alerts.getAlert({ alertId });
  expect(names).toContain(alert?.owner);
  const loser = screens[names.findIndex((name) => name !== alert?.owner)];
  const notice = loser?.get("notice").filter({ hasText: alert?.owner ?? "" });
  await notice?.waitFor();
  for (const screen of screens) expect(await screen.get("notice").count()).toBe(screen === loser ? 1 : 0);
  expect(timeline.filter((entry) => entry.event?.body.case === "alertAcknowledged")).toHaveLength(1);
});
