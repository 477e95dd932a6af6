// Every open alert is at its site, at a place of its own, or counted as lost; and the points stay the same while nothing moves.
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";

import { AlertKind, AlertState, AlertStatus } from "../gen/sos/alert/v1/alert_pb";
import { LocationSchema } from "../gen/sos/device/v1/device_pb";
import { SiteSchema, type Site } from "../gen/sos/registry/v1/registry_pb";
import { anAlert, chance } from "../testing/sample";
import { compareUrgency } from "./alert";
import { findSites, NO_SCENE, pointOf, sceneOf, sitePlaces } from "./mapPlaces";

const at = (latitude: number, longitude: number) => create(LocationSchema, { latitude, longitude });

function aSite(siteId: string, given: Partial<Pick<Site, "name" | "region" | "address" | "location">> = {}): Site {
  return create(SiteSchema, { siteId, location: at(51.1, 71.4), ...given });
}

test("a location that is none is no point", () => {
  expect(pointOf(at(43.2, 76.9))).toEqual({ lat: 43.2, lng: 76.9 });
  for (const none of [undefined, at(0, 0), at(NaN, 1), at(91, 0), at(1, 181), at(Infinity, 1)]) expect(pointOf(none)).toBeUndefined();
});

test("a site without a name goes by its id, and one without a location has no place", () => {
  const places = sitePlaces([aSite("school-1", { name: "School 1" }), aSite("school-2"), create(SiteSchema, { siteId: "school-3" })]);
  expect([...places.values()].map(({ siteId, name }) => [siteId, name])).toEqual([["school-1", "School 1"], ["school-2", "school-2"]]);
});

describe("alerts go", () => {
  const sites = sitePlaces([aSite("school-1", { name: "School 1" })]);

  test("to their site, where it has a place, whatever the call point says", () => {
    const scene = sceneOf(sites, [anAlert({ siteId: "school-1", location: at(10, 10) })], NO_SCENE);
    expect(scene.standings.get("school-1")?.place).toMatchObject({ lat: 51.1, lng: 71.4 });
    expect(scene.lost).toBe(0);
  });

  test("to a place of their own, one for each call point, where the site has none", () => {
    const open = ["a", "b", "b"].map((deviceId, index) => anAlert({ alertId: `${index}`, siteId: "street", deviceId, location: at(50, 70 + index) }));
    const scene = sceneOf(sites, open, NO_SCENE);
    expect([...scene.standings].map(([key, { alerts }]) => [key, alerts.length])).toEqual([["street/a", 1], ["street/b", 2]]);
    expect(scene.places.map(({ key }) => key)).toEqual(["school-1", "street/a", "street/b"]);
  });

  test("nowhere, and are counted, where nobody knows", () => {
    expect(sceneOf(sites, [anAlert({ siteId: "street" }), anAlert({ siteId: "yard", location: at(0, 0) })], NO_SCENE)).toMatchObject({ lost: 2 });
  });
});

test("a press that nobody took comes before what is more urgent and in good hands", () => {
  const sites = sitePlaces(["one", "two", "three"].map((id) => aSite(id)));
  const taken = anAlert({ siteId: "one", state: AlertState.ACKNOWLEDGED, priority: 4 });
  const technical = anAlert({ siteId: "two", kind: AlertKind.TECHNICAL, priority: 4 });
  const press = anAlert({ siteId: "three", priority: 2 });
  expect([...sceneOf(sites, [taken, technical, press], NO_SCENE).standings.keys()]).toEqual(["three", "one", "two"]);
  const drill = anAlert({ siteId: "three", status: AlertStatus.EXERCISE, priority: 2 });
  expect([...sceneOf(sites, [taken, technical, drill], NO_SCENE).standings.keys()]).toEqual(["one", "two", "three"]);
});

test("the points are the same array until one comes, goes or moves", () => {
  const sites = sitePlaces([aSite("school-1"), aSite("school-2")]);
  const first = sceneOf(sites, [], NO_SCENE);
  const more = sceneOf(sites, [anAlert({ siteId: "school-1" })], first);
  expect(more.places).toBe(first.places);
  const street = (longitude: number) => anAlert({ siteId: "street", location: at(50, longitude) });
  const added = sceneOf(sites, [street(70)], more);
  expect(added.places).not.toBe(more.places);
  expect(sceneOf(sites, [street(70)], added).places).toBe(added.places);
  expect(sceneOf(sites, [street(71)], added).places).not.toBe(added.places);
});

test("no alert is lost from sight or shown twice", () => {
  const { below } = chance("map scene");
  const sites = sitePlaces(Array.from({ length: 20 }, (_, index) => aSite(`site-${index}`)));
  const open = Array.from({ length: 300 }, (_, index) =>
    anAlert({ alertId: `${index}`, siteId: `site-${below(40)}`, deviceId: `${below(3)}`, priority: 1 + below(4), ...(below(2) === 0 ? { location: at(40 + below(9), 70) } : {}) }),
  ).sort(compareUrgency);
  const scene = sceneOf(sites, open, NO_SCENE);
  const shown = [...scene.standings.values()].flatMap(({ alerts }) => alerts.map(({ alertId }) => alertId));
  expect(new Set(shown).size).toBe(shown.length);
  expect(shown.length + scene.lost).toBe(open.length);
  for (const { alerts, place } of scene.standings.values()) {
    expect(alerts).toEqual([...alerts].sort(compareUrgency));
    expect(scene.places).toContainEqual(place);
  }
});

test("sites are found by words of their name, id, region and address", () => {
  const sites = [aSite("school-12", { name: "Школа № 12", region: "Алматы", address: "ул. Абая, 5" }), aSite("clinic-1", { name: "Clinic", region: "Алматы" })];
  const found = (text: string): readonly string[] => findSites(sites, text).map(({ siteId }) => siteId);
  expect(found("алматы")).toEqual(["school-12", "clinic-1"]);
  expect(found("ШКОЛА абая")).toEqual(["school-12"]);
  expect(found("clinic-1")).toEqual(["clinic-1"]);
  expect(found("  ")).toEqual([]);
});
