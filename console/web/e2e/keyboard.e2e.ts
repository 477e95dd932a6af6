// An alert from press to close without a mouse, and the focus is seen at every step.
import { expect, test } from "vitest";

import type { Screen } from "./harness/browser";
import { alertOf } from "./harness/operator";
import { stage } from "./harness/stage";

const on = stage();

interface Focus {
  /** The hook of what has the focus, or its tag. */
  readonly at: string;
  /** What is wrong with how it shows that. */
  readonly fault: string;
}

/** What has the focus, and whether one sees it. */
function focus(): Focus {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === document.body) return { at: "body", fault: "" };
  const at = element.closest("[data-testid]")?.getAttribute("data-testid") ?? element.tagName.toLowerCase();
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  if (outlineStyle === "none" || parseFloat(outlineWidth) < 2) return { at, fault: `${at} has no outline` };
  const box = element.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + Math.min(box.height / 2, 20)];
  const top = document.elementFromPoint(x, y);
  const isSeen = top !== null && (element.contains(top) || top.contains(element) || top.closest("label")?.contains(element) === true);
  return { at, fault: isSeen ? "" : `${at} is covered by ${top?.tagName ?? "nothing: it is outside the window"}` };
}

/** Presses Tab until the focus is at a hook; every stop on the way must be seen. */
async function tabTo({ page }: Screen, hook: string, key = "Tab"): Promise<void> {
  const stops: string[] = [];
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press(key);
    const { at, fault } = await page.evaluate(focus);
    expect(fault).toBe("");
    stops.push(at);
    if (at === hook) return;
  }
  throw new Error(`never came to ${hook}: ${stops.join(", ")}`);
}

/** Waits until the focus is at a hook by itself. */
async function focused({ page }: Screen, hook: string): Promise<void> {
  await page.locator(`[data-testid="${hook}"]:focus`).waitFor();
  expect((await page.evaluate(focus)).fault).toBe("");
}

async function closed(alertId: string): Promise<void> {
  const { alert, timeline } = await on.clients.alerts.getAlert({ alertId });
  expect(alert).toMatchObject({ owner: "asel", disposition: 2, responses: [{ unitId: "Экипаж 7" }] });
  expect(timeline.map((entry) => entry.event?.body.case)).toContain("alertNoted");
}

async function signedIn(): Promise<Screen> {
  const screen = await on.open();
  await focused(screen, "operator");
  await screen.page.keyboard.type("asel");
  await screen.page.keyboard.press("Enter");
  await screen.live();
  return screen;
}

test("with single keys: j, a, d, n, r", async () => {
  const screen = await signedIn();
  const { keyboard } = screen.page;
  await on.buttons.press("school-12/hall-1");
  const { alertId } = await alertOf(on.clients, "school-12/hall-1");
  await screen.rowIs(alertId, "RAISED");

  await keyboard.press("j");
  await screen.get("timeline").waitFor();
  await keyboard.press("a");
  await screen.rowIs(alertId, "ACKNOWLEDGED");
  await keyboard.press("d");
  await focused(screen, "unit");
  await keyboard.type("Экипаж 7");
  await keyboard.press("Enter");
  await screen.get("detail").getByText("Экипаж 7").first().waitFor();
  await keyboard.press("n");
  await focused(screen, "note-text");
  await keyboard.type("они едут, а клавиши здесь не команды: adrn");
  await tabTo(screen, "confirm");
  await keyboard.press("Enter");
  await screen.get("timeline").getByText("они едут").waitFor();
  await keyboard.press("r");
  await focused(screen, "disposition");
  await keyboard.type("Pressed by acc");
  await tabTo(screen, "confirm");
  await keyboard.press("Enter");
  await screen.get("step-form").waitFor({ state: "detached" });
  await closed(alertId);
});

test("without single keys: Tab, arrows and Enter are enough", async () => {
  const screen = await on.open({ before: 'localStorage.setItem("sos.keys", "off");' });
  await focused(screen, "operator");
  await screen.page.keyboard.type("asel");
  await tabTo(screen, "sign-in");
  await screen.page.keyboard.press("Enter");
  await screen.live();
  const { keyboard } = screen.page;
  await on.buttons.press("school-12/hall-2");
  const { alertId } = await alertOf(on.clients, "school-12/hall-2");
  await screen.rowIs(alertId, "RAISED");

  // A letter is no command any more.
  await keyboard.press("j");
  expect(await screen.get("detail").count()).toBe(0);
  await tabTo(screen, "alert-row");
  await keyboard.press("Enter");
  await screen.get("timeline").waitFor();
  await tabTo(screen, "acknowledge");
  await keyboard.press("Enter");
  await screen.rowIs(alertId, "ACKNOWLEDGED");
  await tabTo(screen, "dispatch");
  await keyboard.press("Enter");
  await focused(screen, "unit");
  await keyboard.type("Экипаж 7");
  await tabTo(screen, "confirm");
  await keyboard.press("Space");
  await screen.get("detail").getByText("Экипаж 7").first().waitFor();
  await tabTo(screen, "note");
  await keyboard.press("Enter");
  await focused(screen, "note-text");
  await keyboard.type("на месте");
  await tabTo(screen, "confirm");
  await keyboard.press("Enter");
  await screen.get("timeline").getByText("на месте").waitFor();
  await tabTo(screen, "resolve");
  await keyboard.press("Enter");
  await screen.get("disposition").or(screen.get("timeline")).first().waitFor();
  await focused(screen, "disposition");
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowDown");
  await tabTo(screen, "confirm");
  await keyboard.press("Enter");
  await screen.get("step-form").waitFor({ state: "detached" });
  await closed(alertId);
});

test("the first thing that Tab comes to leads past the frame", async () => {
  const screen = await on.open({ operator: "asel" });
  await screen.page.locator("body").press("Tab");
  const skip = screen.page.locator("a:focus");
  expect(await skip.innerText()).toBe("Skip to the page");
  await screen.page.keyboard.press("Enter");
  await screen.page.locator("#main:focus").waitFor();
});

test("Escape leaves a form without taking the step", async () => {
  const screen = await on.open({ operator: "asel" });
  await on.buttons.press("school-12/hall-3");
  const { alertId } = await alertOf(on.clients, "school-12/hall-3");
  await screen.show(alertId);
  await screen.page.keyboard.press("n");
  await focused(screen, "note-text");
  await screen.page.keyboard.type("x");
  await screen.page.keyboard.press("Escape");
  await screen.get("step-form").waitFor({ state: "detached" });
});
