// A view comes back from the address as it was, and what is none is none.
import { expect, test } from "vitest";

import { boxOf, formatAt, isInside, KAZAKHSTAN, parseAt, scaleOf } from "./mapView";

test.each([
  ["51.1283,71.4305,12", { lat: 51.1283, lng: 71.4305, zoom: 12 }],
  ["-33.9,-70.5,4.5", { lat: -33.9, lng: -70.5, zoom: 4.5 }],
])("%s is written as it is read", (text, view) => {
  expect(parseAt(text)).toEqual(view);
  expect(formatAt(view)).toBe(text);
});

test("a view is written short", () => {
  expect(formatAt({ lat: 51.12834567, lng: 71.4, zoom: 6.50001 })).toBe("51.1283,71.4,6.5");
});

test.each(["", "51,71", "51,71,99", "51,71,1", "99,71,5", "51,181,5", "a,b,c", "51,71,5,6", "NaN,71,5", "1e1,71,5"])("%j is no view", (text) => {
  expect(parseAt(text)).toBeUndefined();
});

test("a box holds all its places", () => {
  const places = [[43.2, 76.9], [51.1, 71.4], [40.1, -75.3]].map(([lat = 0, lng = 0], index) => ({ key: `${index}`, siteId: "", name: "", lat, lng }));
  expect(boxOf(places)).toEqual([40.1, -75.3, 51.1, 76.9]);
  expect(boxOf([])).toBeUndefined();
  expect(places.map((place) => isInside(KAZAKHSTAN, place))).toEqual([true, true, false]);
});

test.each([[0, 0], [51.1, 4.5], [51.1, 12], [-84, 18], [40, 2]])("at %d degrees and zoom %d the scale is round and not too long", (lat, zoom) => {
  const { metres, px } = scaleOf({ lat, zoom }, 100);
  expect(String(metres)).toMatch(/^[125]0*$|^0\.[0-9]+$/);
  expect(px).toBeLessThanOrEqual(100);
  expect(px).toBeGreaterThan(38);
});

test("the scale is that of the map: a degree of latitude has 111 km", () => {
  const { metres, px } = scaleOf({ lat: 0, zoom: 8 }, 1_000);
  expect(((256 * 2 ** 8) / 360 / px) * metres).toBeCloseTo(111_319, -1);
});
