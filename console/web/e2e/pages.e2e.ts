// The pages beside the list: each does what it is for, against the real server.
import { expect, test } from "vitest";

import type { Screen } from "./harness/browser";
import { operator } from "./harness/operator";
import { eventually } from "./harness/server";
import { stage } from "./harness/stage";
import { peopled, type World } from "./harness/world";

let world: World;
const on = stage({}, async (stage) => {
  world = await peopled(stage);
});

async function addressHolds(screen: Screen, part: string): Promise<void> {
  await eventually(`${part} in the address`, () => decodeURIComponent(screen.page.url()).includes(part) || undefined);
}

test("the map shows who calls where, and leads to the alert", async () => {
  const screen = await on.open({ operator: "asel", hash: "#/map" });
  const open = screen.get("map-open-site").filter({ hasText: "№ 12 мектеп-гимназия" });
  await open.click();
  await addressHolds(screen, "site=school-12");
  await screen.page.locator('[data-testid="map-site"][data-site-id="school-12"]').waitFor();
  await screen.get("map-panel").getByText("Абай даңғылы, 52").waitFor();
  await screen.get("map-panel").locator(`[data-testid="map-alert"]`).first().click();
  await addressHolds(screen, "#/alerts?alert=");
  await screen.get("detail").waitFor();
});

test("what would not work is found, and the view is a link", async () => {
  const screen = await on.open({ operator: "asel", hash: "#/devices" });
  const row = (name: string) => screen.page.locator(`[data-testid="device-row"][data-device="${name}"]`);
  await row("school-12/hall-1").waitFor();
  await screen.page.locator('[data-testid="device-filter"][data-filter="battery"]').click();
  await row("hospital-1/reception-1").waitFor();
  await row("school-12/hall-1").waitFor({ state: "detached" });

  // Another officer opens the link.
  const { hash } = new URL(screen.page.url());
  const other = await on.open({ operator: "daniyar", hash });
  await other.page.locator('[data-testid="device-row"][data-device="hospital-1/reception-1"]').waitFor();
  expect(await other.get("device-row").count()).toBe(1);

  // A new fault is shown without being asked for.
  await on.buttons.say("station-2/platform-1", "event", { fault: { kind: "FAULT_KIND_TAMPER", active: true } });
  await screen.page.locator('[data-testid="device-filter"][data-filter="battery"]').click();
  await screen.page.locator('[data-testid="device-filter"][data-filter="tamper"]').click();
  await row("station-2/platform-1").waitFor();
  await on.buttons.say("station-2/platform-1", "event", { fault: { kind: "FAULT_KIND_TAMPER", active: false } });
  await row("station-2/platform-1").waitFor({ state: "detached" });
});

test("a site is registered, changed, and put into an exercise", async () => {
  const screen = await on.open({ operator: "asel", hash: "#/registry" });
  await screen.get("new-site").click();
  const form = screen.get("site-form");
  const fill = (name: string, text: string) => form.locator(`[name="${name}"]`).fill(text);
  await fill("site_id", "Bad Id");
  await fill("name", "№ 40 балабақша");
  await screen.get("save").first().click();
  await form.locator('[name="site_id"][aria-invalid="true"]').waitFor();
  await fill("site_id", "kindergarten-40");
  await screen.get("save").first().click();
  const site = await eventually("the site", async () => (await on.clients.registry.listSites({ pageSize: 1_000 })).sites.find(({ siteId }) => siteId === "kindergarten-40"));
  expect(site.name).toBe("№ 40 балабақша");

  await screen.go("#/registry?site=kindergarten-40");
  await screen.get("window-start").first().click();
  const exercise = screen.get("window-form");
  await exercise.locator("textarea, input[type=text], input:not([type])").first().fill("Өрт жаттығуы");
  await screen.get("window-confirm").click();
  const isDrilled = async () => (await on.clients.registry.listSites({ pageSize: 1_000 })).sites.find(({ siteId }) => siteId === "kindergarten-40")?.window?.reason;
  await eventually("the exercise", async () => ((await isDrilled()) === "Өрт жаттығуы" ? true : undefined));
});

test("rows of a file that are right are registered, the others are kept to be mended", async () => {
  const screen = await on.open({ operator: "asel", hash: "#/registry?view=import" });
  const lines = ["site_id,device_id,room", "school-12,lab-1,Зертхана", "school-12,Lab 2,Зертхана", "nowhere,lab-3,Зертхана"];
  await screen.get("csv-file").setInputFiles({ name: "devices.csv", mimeType: "text/csv", buffer: Buffer.from(lines.join("\n")) });
  await screen.page.locator('[data-testid="csv-error"][data-line="3"]').waitFor();
  await screen.get("csv-import").click();
  await screen.get("csv-summary").waitFor();
  // The server knows no such site: its row is named like the others.
  await screen.page.locator('[data-testid="csv-error"][data-line="4"]').waitFor();
  const { device } = await on.clients.registry.getDevice({ siteId: "school-12", deviceId: "lab-1" });
  expect(device?.place?.room).toBe("Зертхана");
});

test("who comes back is told what happened meanwhile", async () => {
  const screen = await on.open({ operator: "asel" });
  // As if it had been an hour ago: to load the page again within a shift is not to come back.
  await screen.page.goto("about:blank");
  await screen.context.addInitScript(() => {
    if (location.protocol === "about:") return;
    const seen = JSON.parse(localStorage.getItem("sos.seen.asel") ?? "") as { last: { at: number } };
    seen.last.at -= 3_600_000;
    localStorage.setItem("sos.seen.asel", JSON.stringify(seen));
  });
  const { alerts } = operator(on.server, "daniyar");
  await alerts.addNote({ alertId: world.taken, requestId: "while-away", note: "Дәрігер келді." });

  await screen.page.goto(`${on.server.http}/#/shift`);
  await screen.live();
  await screen.page.locator('[data-testid="missed"][data-state="done"]').waitFor();
  const missed = await screen.get("missed").locator("tr[data-alert-id]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-alert-id")));
  expect(missed).toEqual([world.taken]);
});

test("the report holds every step, in the order in which they were taken", async () => {
  const screen = await on.open({ operator: "asel", hash: `#/report?alert=${world.closed}` });
  await screen.get("timeline").locator("li").first().waitFor();
  const steps = await screen.get("timeline").locator("li").evaluateAll((all) => all.map((step) => step.getAttribute("data-event")));
  expect(steps).toEqual(["press", "alertAcknowledged", "unitDispatched", "responseUpdated", "alertNoted", "alertResolved"]);
  const paper = await screen.page.pdf({ format: "A4" });
  expect(paper.length).toBeGreaterThan(10_000);
});
