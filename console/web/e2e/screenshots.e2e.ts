// Pictures of the main views, of a small world that is the same each time.
import { expect, test } from "vitest";

import { UNREACHABLE } from "./harness/away";
import type { Options, Screen } from "./harness/browser";
import { stage } from "./harness/stage";
import { PAGES, settled } from "./harness/views";
import { peopled, type World } from "./harness/world";

let world: World;
const on = stage({}, async (stage) => {
  world = await peopled(stage);
});

/** Nothing of the page is wider than the window. */
async function fits(screen: Screen, name: string): Promise<void> {
  expect(await screen.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${name} is too wide`).toBeLessThanOrEqual(0);
}

async function shootAll(options: Options, suffix: string): Promise<void> {
  const screen = await on.open({ operator: "asel", ...options });
  for (const [name, hash] of PAGES(world)) {
    await screen.go(hash);
    await settled(screen, name);
    await fits(screen, name);
    await screen.shoot(`${name}${suffix}`);
  }
}

test("all pages, light", () => shootAll({}, ""));
test("all pages, dark", () => shootAll({ dark: true }, "-dark"));
test("all pages on a wall", () => shootAll({ dark: true, width: 3840, height: 2160 }, "-wall"));
test("all pages on a tablet held upright", () => shootAll({ width: 820, height: 1180 }, "-tablet"));

test.each([["en", "en-GB"], ["ru", "ru-KZ"], ["kk", "kk-KZ"]] as const)("the detail in %s, and the state of each row to its last letter", async (lang, locale) => {
  const screen = await on.open({ operator: "asel", locale, hash: `#/alerts?alert=${world.taken}` });
  await settled(screen, "detail");
  const cut = await screen.page.locator('[data-testid="alert-row"] .state').evaluateAll((all) =>
    all.filter((state) => state.scrollWidth > state.clientWidth).map((state) => state.textContent));
  expect(cut).toEqual([]);
  await screen.shoot(`detail-${lang}`);
});

test("the door", async () => {
  const screen = await on.open();
  await screen.get("operator").waitFor();
  await screen.shoot("sign-in");
});

test("an old screen", async () => {
  const screen = await on.open({ operator: "asel", hash: `#/alerts?alert=${world.raised}`, expected: UNREACHABLE });
  await settled(screen, "detail");
  await on.server.kill();
  await screen.stale();
  await screen.shoot("stale");
  await on.server.start();
});

test("rows of a register that are wrong are named", async () => {
  const screen = await on.open({ operator: "asel", hash: "#/registry?view=import" });
  const lines = [
    "site_id;name;kind;address;latitude;longitude;region",
    "school-30;№ 30 мектеп;school;Сәтбаев көшесі, 9;43.2;76.9;Алматы",
    "School 31;№ 31 мектеп;school;Төле би, 3;43.2;76.9;Алматы",
    "school-32;№ 32 мектеп;castle;Төле би, 5;95;76.9;Алматы",
  ];
  await screen.get("csv-file").setInputFiles({ name: "sites.csv", mimeType: "text/csv", buffer: Buffer.from(lines.join("\n")) });
  await screen.get("csv-error").first().waitFor();
  const named = (await screen.get("csv-error").allInnerTexts()).join("\n");
  for (const column of ["site_id", "kind", "latitude"]) expect(named).toContain(column);
  await screen.shoot("registry-import");
});
