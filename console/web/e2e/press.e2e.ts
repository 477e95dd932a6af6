// From a press at a call point to the officer's screen.
import { expect, test } from "vitest";

import { alertOf } from "./harness/operator";
import { eventually } from "./harness/server";
import { stage } from "./harness/stage";

const on = stage();

const titleIs = (title: string) => (page: { title(): Promise<string> }) => eventually(`the title ${title}`, async () => (await page.title()) === title || undefined);

test("a press appears on an open screen, and cannot be missed", async () => {
  const screen = await on.open({ operator: "asel" });
  await titleIs("SOS")(screen.page);
  await screen.page.evaluate(() => Object.assign(window, { isSamePage: true }));

  await on.buttons.press("school-12/hall-1", { category: "CATEGORY_MEDICAL" });
  const { alertId } = await alertOf(on.clients, "school-12/hall-1");
  const row = await screen.rowIs(alertId, "RAISED");
  await titleIs("(1) SOS")(screen.page);
  expect(await screen.get("waiting").innerText()).toContain("school-12");
  expect(await screen.page.evaluate(() => "isSamePage" in window)).toBe(true);

  await row.click();
  const detail = await screen.get("detail").innerText();
  for (const word of ["school-12", "hall-1", "Ambulance", "Received"]) expect(detail).toContain(word);
});

test("what is done about it is seen at once, also by the others", async () => {
  await on.buttons.press("school-12/hall-2");
  const { alertId } = await alertOf(on.clients, "school-12/hall-2");
  const [mine, theirs] = await Promise.all([on.open({ operator: "Әсел" }), on.open({ operator: "daniyar" })]);
  await Promise.all([mine.show(alertId), theirs.show(alertId)]);

  await mine.step("acknowledge").click();
  await Promise.all([mine.rowIs(alertId, "ACKNOWLEDGED"), theirs.rowIs(alertId, "ACKNOWLEDGED")]);
  await theirs.get("detail").getByText("Әсел").first().waitFor();
  await theirs.get("detail").getByText("Taken by a person").first().waitFor();
  expect(await theirs.step("resolve").count()).toBe(0);

  await mine.step("dispatch").click();
  await mine.get("unit").fill("Экипаж 7");
  await mine.get("confirm").click();
  await theirs.get("detail").getByText("Экипаж 7").first().waitFor();
  await theirs.get("detail").getByText("Help is coming").first().waitFor();

  await mine.step("resolve").click();
  await mine.get("disposition").selectOption({ label: "Genuine emergency" });
  await mine.get("confirm").click();
  await theirs.get("detail").getByText("Genuine emergency").first().waitFor();
});

test("text of a stranger is text, and nothing else", async () => {
  const attack = `<img src=x onerror="document.title='pwned'"><script>document.title="pwned"</script>`;
  const screen = await on.open({ operator: "asel" });
  await on.buttons.press("school-12/hall-3", { note: attack });
  const { alertId } = await alertOf(on.clients, "school-12/hall-3");
  await screen.show(alertId);
  expect(await screen.get("detail").innerText()).toContain(attack);
  expect(await screen.get("detail").locator("img, script").count()).toBe(0);
  expect(await screen.page.title()).not.toContain("pwned");
});

test("a note of 2,000 characters is shown to its end", async () => {
  const note = `${"Өрт шықты, балалар екінші қабатта. ".repeat(70).slice(0, 1_990)}, СОҢЫ.`;
  expect(note.length).toBeLessThanOrEqual(2_000);
  const screen = await on.open({ operator: "asel" });
  await on.buttons.press("school-12/hall-4", { note });
  const { alertId } = await alertOf(on.clients, "school-12/hall-4");
  await screen.show(alertId);
  const text = screen.get("detail").getByText(note).first();
  await text.scrollIntoViewIfNeeded();
  const isWhole = await text.evaluate((node) => node.scrollHeight <= node.clientHeight + 1 && node.scrollWidth <= node.clientWidth + 1);
  expect(isWhole, "nothing of it is cut off").toBe(true);
});
