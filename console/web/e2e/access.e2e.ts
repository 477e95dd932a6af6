// Tokens: what a role may not do is not there, and a token that ends in the middle of a shift takes nothing from the screen.
import { afterAll, expect, test } from "vitest";

import { Authority } from "./harness/authority";
import type { Clients } from "../src/wire/clients";
import { alertOf, operator } from "./harness/operator";
import { stage } from "./harness/stage";

let authority: Authority;
let asked: Clients;
const on = stage(
  async () => (authority = await Authority.found()).settings,
  async ({ server }) => {
    asked = operator(server, "", await authority.token("tests", "operator"));
  },
);
afterAll(() => authority.close());

const STEPS = ["acknowledge", "dispatch", "note", "escalate", "transfer", "resolve", "reopen", "actual", "shelve", "unshelve"];

test("a viewer sees everything, and is offered nothing", async () => {
  await on.buttons.press("school-12/hall-1");
  const { alertId } = await alertOf(asked, "school-12/hall-1");
  const screen = await on.open({ token: await authority.token("vera", "viewer") });
  await screen.rowIs(alertId, "RAISED");
  await screen.show(alertId);
  await screen.page.keyboard.press("a");
  for (const step of STEPS) expect(await screen.get(step).count(), step).toBe(0);
  expect(await screen.page.locator('nav a[href="#/registry"]').count()).toBe(0);
  expect((await asked.alerts.getAlert({ alertId })).alert?.owner).toBe("");
});

test("a token that is none is refused at the door, with the reason", async () => {
  const screen = await on.open();
  await screen.get("token").fill("no.such.token");
  await screen.get("sign-in").click();
  await screen.page.getByRole("alert").getByText(/The server does not accept this/).waitFor();
  await screen.get("token").fill(await authority.token("asel", "operator"));
  await screen.get("sign-in").click();
  await screen.live();
});

test("a token that ends in the middle of a shift: the screen stays, and goes on after signing in again", async () => {
  const screen = await on.open({ token: await authority.token("asel", "operator", "5s") });
  await screen.page.evaluate(() => Object.assign(window, { isSamePage: true }));
  await on.buttons.press("school-12/hall-2");
  const { alertId } = await alertOf(asked, "school-12/hall-2");
  await screen.show(alertId);

  const dialog = screen.page.getByRole("dialog");
  await dialog.waitFor();
  expect(await screen.get("detail").isVisible()).toBe(true);
  await screen.rowIs(alertId, "RAISED");
  await screen.page.locator('[data-testid="token"]:focus').waitFor();
  await on.buttons.press("school-12/hall-3");
  const missed = await alertOf(asked, "school-12/hall-3");

  await screen.signIn("token", await authority.token("asel", "operator"));
  await dialog.waitFor({ state: "detached" });
  await screen.rowIs(missed.alertId, "RAISED");
  expect(await screen.get("detail").getAttribute("data-alert-id")).toBe(alertId);
  expect(await screen.page.evaluate(() => "isSamePage" in window)).toBe(true);
  await screen.step("acknowledge").click();
  await screen.rowIs(alertId, "ACKNOWLEDGED");
});
