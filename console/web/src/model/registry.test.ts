import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { LocationSource } from "../gen/sos/device/v1/device_pb";
import { DeviceSchema, SiteKind, SiteSchema, SupervisionClass } from "../gen/sos/registry/v1/registry_pb";
import {
  DEVICE_FIELDS, SITE_FIELDS, deviceTexts, fieldOf, keptLocation, readDevice, readSite, signature, siteTexts,
  type DeviceField, type Read, type SiteField,
} from "./registry";

const GOOD = { site_id: "school-12", name: "Мектеп №12" };
const site = (given: Partial<Record<SiteField, string>>) => readSite((field) => ({ ...GOOD, ...given })[field] ?? "");
const device = (given: Partial<Record<DeviceField, string>>) =>
  readDevice((field) => ({ site_id: "school-12", device_id: "hall-1", ...given })[field] ?? "");

function told(read: Read<unknown, string>): string[] {
  return "bad" in read ? read.bad.map(({ field, reason }) => `${field} ${reason.code}`) : [];
}

describe("a site", () => {
  it("is read from its texts", () => {
    const read = site({ kind: "public_place", latitude: "43.25", longitude: "76.9", region: "Алматы" });
    expect(read).toMatchObject({
      value: { siteId: "school-12", name: "Мектеп №12", kind: SiteKind.PUBLIC_PLACE, location: { latitude: 43.25, longitude: 76.9 } },
    });
  });

  it("has the limits of the server, counted in characters", () => {
    expect(told(site({ name: "🔔".repeat(200), address: "ә".repeat(500), region: "р".repeat(100) }))).toEqual([]);
    expect(told(site({ site_id: "School", name: "", address: "a".repeat(501), region: "r".repeat(101), kind: "skool" }))).toEqual([
      "site_id id", "name length", "kind choice", "address length", "region length",
    ]);
    expect(told(site({ site_id: `a${"b".repeat(63)}` }))).toEqual([]);
    expect(told(site({ site_id: `a${"b".repeat(64)}` }))).toEqual(["site_id id"]);
    // A name that every object has is no kind.
    expect(told(site({ kind: "constructor" }))).toEqual(["kind choice"]);
  });

  it("has both degrees or none, and they are on the earth", () => {
    expect(told(site({ latitude: "43.2" }))).toEqual(["longitude alone"]);
    expect(told(site({ longitude: "0" }))).toEqual(["latitude alone"]);
    expect(told(site({ latitude: "north", longitude: "76" }))).toEqual(["latitude number"]);
    expect(told(site({ latitude: "43,2", longitude: "0x10" }))).toEqual(["latitude number", "longitude number"]);
    expect(told(site({ latitude: "90.1", longitude: "-180" }))).toEqual(["latitude range"]);
  });
});

describe("a call point", () => {
  it("is read from its texts", () => {
    expect(device({ room: "каб. 5", supervision_class: "C" })).toMatchObject({
      value: { siteId: "school-12", deviceId: "hall-1", place: { room: "каб. 5" }, supervisionClass: SupervisionClass.C },
    });
    const bare = device({});
    expect("value" in bare && [bare.value.place, bare.value.location]).toEqual([undefined, undefined]);
    expect(told(device({ device_id: "", floor: "f".repeat(101), supervision_class: "E" }))).toEqual([
      "device_id id", "floor length", "supervision_class choice",
    ]);
  });
});

describe("what is registered", () => {
  const location = { latitude: 43.2, longitude: 76.9, source: LocationSource.SURVEYED };

  it("reads back as it was", () => {
    const known = create(SiteSchema, { siteId: "a", name: "A", kind: SiteKind.SCHOOL, address: "x", region: "y", location });
    const read = readSite((field) => siteTexts(known)[field]);
    expect("value" in read && signature(read.value)).toBe(signature(known));
    const point = create(DeviceSchema, { siteId: "a", deviceId: "b", place: { floor: "2" }, supervisionClass: SupervisionClass.A, location });
    const again = readDevice((field) => deviceTexts(point)[field]);
    expect("value" in again && signature(again.value)).toBe(signature(point));
  });

  it("is compared by what a file can say", () => {
    const base = create(DeviceSchema, { siteId: "a", deviceId: "b" });
    expect(signature(create(DeviceSchema, { siteId: "a", deviceId: "b", online: true, place: {} }))).toBe(signature(base));
    expect(signature(create(DeviceSchema, { siteId: "a", deviceId: "b", supervisionClass: SupervisionClass.D }))).not.toBe(signature(base));
  });

  it("keeps how a location was found while it is the same", () => {
    const known = create(DeviceSchema, { location: { ...location, source: LocationSource.GNSS, accuracyM: 5 } }).location;
    const typed = create(DeviceSchema, { location });
    expect(keptLocation(typed, known).location?.source).toBe(LocationSource.GNSS);
    expect(keptLocation(create(DeviceSchema, { location: { ...location, latitude: 1 } }), known).location?.source).toBe(LocationSource.SURVEYED);
    expect(keptLocation(create(DeviceSchema), undefined).location).toBeUndefined();
  });
});

it("finds the field that the server means", () => {
  expect(fieldOf(SITE_FIELDS, "site.name")).toBe("name");
  expect(fieldOf(DEVICE_FIELDS, "device.place.floor")).toBe("floor");
  expect(fieldOf(SITE_FIELDS, "site.location")).toBe("latitude");
  expect(fieldOf(SITE_FIELDS, "request_id")).toBeUndefined();
});
