// Every view has an address, and every address a view.
import { expect, test } from "vitest";

import { chance } from "../testing/sample";
import { href, PAGES, parse } from "./route.svelte";

test.each([
  ["", "alerts", {}],
  ["#", "alerts", {}],
  ["#/", "alerts", {}],
  ["#/map", "map", {}],
  ["#/devices?site=school-12", "devices", { site: "school-12" }],
  ["#/no-such-page?q=1", "alerts", { q: "1" }],
  ["#/__proto__", "alerts", {}],
  ["#/alerts?q=a%20b&q2=%D0%BC", "alerts", { q: "a b", q2: "м" }],
])("%s", (hash, page, params) => {
  expect(parse(hash)).toEqual({ page, params });
});

test("parameters that are empty are left out of the address", () => {
  expect(href("alerts", { q: "", alert: "7" })).toBe("#/alerts?alert=7");
  expect(href("map")).toBe("#/map");
});

test("what goes into an address comes out of it again", () => {
  const luck = chance("addresses");
  const letters = ["a", "=", "&", "?", "#", "/", "%", "+", " ", "ә", "Ж", "😀", '"', "<", "\n"] as const;
  for (let round = 0; round < 500; round += 1) {
    const text = (): string => Array.from({ length: 1 + luck.below(8) }, () => luck.pick(letters)).join("");
    const params = Object.fromEntries(Array.from({ length: luck.below(4) }, (_, index) => [`p${index}`, text()]));
    const page = luck.pick(PAGES);
    expect(parse(href(page, params)), `SOS_SEED=${luck.seed}`).toEqual({ page, params });
  }
});
