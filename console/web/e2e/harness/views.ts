// The pages of the console, and when each has what it shows.
import type { Screen } from "./browser";
import type { World } from "./world";

/** Name and address of each page of somebody who may do everything. */
export function PAGES({ raised, closed }: World): readonly (readonly [name: string, hash: string])[] {
  return [
    ["alerts", "#/alerts"], ["detail", `#/alerts?alert=${raised}`], ["map", "#/map"], ["devices", "#/devices"],
    ["registry", "#/registry"], ["shift", "#/shift"], ["report", `#/report?alert=${closed}`],
  ];
}

/** Waits until a page has what it shows. */
export async function settled(screen: Screen, name: string): Promise<void> {
  const { page } = screen;
  switch (name) {
    case "alerts":
      await screen.get("alert-row").first().waitFor();
      break;
    case "detail":
      await screen.get("timeline").waitFor();
      break;
    case "report":
      await page.locator("main").getByText(/\d\d:\d\d:\d\d/).first().waitFor();
      break;
    default:
      await page.locator("main h1").first().waitFor({ state: "attached" });
  }
  // What is asked for when the page opens has come.
  await page.locator('main [aria-busy="true"]').first().waitFor({ state: "detached" });
}
