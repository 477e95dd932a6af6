// No place is lost among groups, and groups fall apart where they say.
import { describe, expect, test } from "vitest";

import { chance } from "../testing/sample";
import { Clusters, ZOOM_MAX } from "./mapClusters";
import type { Place } from "./mapPlaces";

const RADIUS_PX = 60;

function place(key: string, lat: number, lng: number): Place {
  return { key, siteId: key, name: key, lat, lng };
}

describe("thousand places", () => {
  const { below } = chance("map clusters");
  const places = Array.from({ length: 1_000 }, (_, index) => place(`${index}`, 41 + below(14_000) / 1_000, 47 + below(40_000) / 1_000));
  const clusters = new Clusters(places, RADIUS_PX);

  test.each([0, 2, 4.5, 5, 9, 14, 18, 25])("at zoom %d each is in one group", (zoom) => {
    const keys = clusters.at(zoom).flatMap((group) => group.places.map(({ key }) => key));
    expect(keys.sort()).toEqual(places.map(({ key }) => key).sort());
    expect(new Set(clusters.at(zoom).map(({ key }) => key)).size).toBe(clusters.at(zoom).length);
  });

  test("a group falls apart at the zoom that it says, and not before", () => {
    for (const group of clusters.at(5).filter((each) => each.places.length > 1)) {
      const zoom = group.opensAt();
      const together = (at: number): boolean => clusters.at(at).some((each) => group.places.every((one) => each.places.includes(one)));
      expect(together(zoom - 1)).toBe(true);
      if (zoom <= ZOOM_MAX) expect(together(zoom)).toBe(false);
    }
  });

  test("half a step of zoom changes no group", () => {
    expect(clusters.at(5.5)).toBe(clusters.at(5));
  });
});

test("places at one point stay together however close one looks", () => {
  const clusters = new Clusters([place("a", 51, 71), place("b", 51, 71)], RADIUS_PX);
  const [group] = clusters.at(ZOOM_MAX);
  expect(group?.places.length).toBe(2);
  expect(group?.opensAt()).toBeGreaterThan(ZOOM_MAX);
});

test("nothing is nothing", () => {
  expect(new Clusters([], RADIUS_PX).at(5)).toEqual([]);
});
