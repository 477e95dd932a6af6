// WCAG 2.2 AA, as far as a machine can tell: axe finds nothing on any page, light or dark.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import type { AxeResults, RunOptions } from "axe-core";
import { expect, test } from "vitest";

import { UNREACHABLE } from "./harness/away";
import type { Screen } from "./harness/browser";
import { stage } from "./harness/stage";
import { PAGES, settled } from "./harness/views";
import { peopled, type World } from "./harness/world";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

let world: World;
const on = stage({}, async (stage) => {
  world = await peopled(stage);
});

/** What axe finds, one line for each place. */
async function findings({ page }: Screen, where: string): Promise<readonly string[]> {
  const results = await page.evaluate((values) => {
    const { axe } = globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } };
    // It takes what is contained (rows of lists) for covered, and would not look at its colours.
    for (const element of document.querySelectorAll<HTMLElement>("*")) {
      if (getComputedStyle(element).contain !== "none") element.style.contain = "none";
    }
    return axe.run({ runOnly: { type: "tag", values }, resultTypes: ["violations"] });
  }, RULES);
  return results.violations.flatMap(({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${where}: ${id}: ${help}\n  ${html}\n  ${failureSummary ?? ""}`));
}

test.each([["light", false], ["dark", true]])("every page, %s", async (_, dark) => {
  const screen = await on.open({ dark, before: AXE });
  await screen.get("operator").waitFor();
  const found = [...(await findings(screen, "sign-in"))];
  await screen.signIn("operator", "asel");
  for (const [name, hash] of PAGES(world)) {
    await screen.go(hash);
    await settled(screen, name);
    found.push(...(await findings(screen, name)));
  }
  await screen.show(world.taken);
  for (const verb of ["dispatch", "note", "transfer", "resolve"]) {
    await screen.step(verb).click();
    await screen.get("step-form").waitFor();
    found.push(...(await findings(screen, `the form of ${verb}`)));
  }
  await screen.get("menu").click();
  await screen.page.locator("#menu:popover-open").waitFor();
  found.push(...(await findings(screen, "menu")));
  await screen.page.keyboard.press("Escape");
  await screen.page.locator("body").press("?");
  await screen.page.locator("dialog[open]").waitFor();
  found.push(...(await findings(screen, "help")));
  expect(found.join("\n")).toBe("");
});

test.each([["light", false], ["dark", true]])("a screen that is old, and one without alerts, %s", async (_, dark) => {
  const screen = await on.open({ dark, before: AXE, operator: "asel", hash: "#/alerts?q=no-such-thing", expected: UNREACHABLE });
  await screen.page.locator(".nothing").waitFor();
  const found = [...(await findings(screen, "no alerts"))];
  await screen.show(world.taken);
  await on.server.kill();
  await screen.stale();
  found.push(...(await findings(screen, "stale")));
  await on.server.start();
  expect(found.join("\n")).toBe("");
});
