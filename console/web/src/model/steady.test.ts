// Nothing moves under the mouse of somebody who is about to click.
import { expect, test } from "vitest";

import { steady } from "./steady";

const item = (alertId: string, form = "old") => ({ alertId, form });

test("rows stay where they were, in their newest form, and new ones come behind them", () => {
  const all = new Map(["a", "b", "c", "z"].map((alertId) => [alertId, item(alertId, "new")]));
  // Without being held, z would be on top, and b gone.
  const shown = [item("z", "new"), item("c", "new"), item("a", "new")];
  const rows = steady(["a", "b", "c"], shown, (alertId) => all.get(alertId));
  expect(rows.map(({ alertId, form }) => `${alertId} ${form}`)).toEqual(["a new", "b new", "c new", "z new"]);
});

test("what is not known any more is not shown", () => {
  expect(steady(["a"], [], () => undefined)).toEqual([]);
});
