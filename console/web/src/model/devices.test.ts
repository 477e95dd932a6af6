import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";

import { FaultKind } from "../gen/sos/device/v1/device_pb";
import { DeviceCondition, DeviceSchema, SiteSchema, type Device } from "../gen/sos/registry/v1/registry_pb";
import { compareWorst, filterOf, pick, pointOf, toggled, totalsOf, type CallPoint } from "./devices";
import { placeText } from "./place";

const NOW = Date.UTC(2026, 2, 1);
const school = create(SiteSchema, { siteId: "school-12", name: "Школа №12", region: "Алматы" });

function aDevice(deviceId: string, given: MessageInitShape<typeof DeviceSchema> = {}): Device {
  return create(DeviceSchema, { siteId: "school-12", deviceId, online: true, condition: DeviceCondition.GOOD, ...given });
}

function points(...devices: Device[]): CallPoint[] {
  return devices.map((device) => pointOf(device, school, NOW)).sort(compareWorst);
}

const names = (shown: readonly CallPoint[]): string[] => shown.map(({ device }) => device.deviceId);
const filter = (params: Record<string, string>) => filterOf((name) => params[name] ?? "");

const ALL = points(
  aDevice("good"),
  aDevice("off", { online: false }),
  aDevice("off-stranger", { online: false, unverified: true }),
  aDevice("failed", { condition: DeviceCondition.FAILED }),
  aDevice("degraded", { condition: DeviceCondition.DEGRADED, faults: [FaultKind.BATTERY_LOW] }),
  aDevice("opened", { faults: [FaultKind.TAMPER, FaultKind.AUDIO], place: { building: "Б", room: "каб. 5" } }),
  aDevice("gone", { online: false, retired: true, faults: [FaultKind.TAMPER] }),
  aDevice("drill", { window: { endsAt: timestampFromMs(NOW + 1) } }),
);

describe("the list of call points", () => {
  it("has the worst first", () => {
    expect(names(ALL)).toEqual(["off", "failed", "degraded", "opened", "drill", "good", "off-stranger", "gone"]);
  });

  it("shows what has any of the facets, and hides what is out of use", () => {
    const shown = (is: string) => names(pick(ALL, filter({ is })).shown);
    expect(shown("")).not.toContain("gone");
    expect(shown("offline,battery")).toEqual(["off", "degraded", "off-stranger"]);
    expect(shown("fault")).toEqual(["opened"]);
    expect(shown("tamper,retired")).toEqual(["opened", "gone"]);
    expect(shown("nonsense")).toHaveLength(7);
  });

  it("counts what each facet would show, within the text", () => {
    expect(pick(ALL, filter({ is: "battery" })).counts).toEqual({
      all: 7, offline: 2, battery: 1, tamper: 1, fault: 1, window: 1, unverified: 1, retired: 1,
    });
    const { shown, counts } = pick(ALL, filter({ q: "ШКОЛА каб" }));
    expect([names(shown), counts.all, counts.offline]).toEqual([["opened"], 1, 0]);
    expect(pick(ALL, filter({ site: "school-1" })).shown).toEqual([]);
  });

  it("turns a facet on and off", () => {
    expect(toggled(filter({ is: "tamper" }), "offline")).toBe("offline,tamper");
    expect(toggled(filter({ is: "offline,tamper" }), "offline")).toBe("tamper");
  });

  it("sums up what is in use", () => {
    expect(totalsOf(ALL)).toEqual({ total: 7, online: 5, offline: 2, faulty: 2 });
  });
});

describe("a call point", () => {
  it("is in its own window before its site's, and in none that is over", () => {
    const own = { reason: "own", endsAt: timestampFromMs(NOW + 10) };
    const practising = create(SiteSchema, { siteId: "school-12", window: { reason: "site", endsAt: timestampFromMs(NOW + 20) } });
    const device = aDevice("a", { window: own });
    const at = (ms: number) => pointOf(device, practising, NOW + ms);
    expect([at(0).window?.reason, at(10).window?.reason, at(20).window]).toEqual(["own", "site", undefined]);
    expect(at(20).facets.has("window")).toBe(false);
  });

  it("is looked at anew only where something changed", () => {
    const device = aDevice("a");
    const before = pointOf(device, school, NOW);
    expect(pointOf(device, school, NOW + 1, before)).toBe(before);
    expect(pointOf(aDevice("a"), school, NOW, before)).not.toBe(before);
  });

  it("says where it hangs", () => {
    expect(placeText(aDevice("a", { place: { floor: "2", room: "каб. 5" } }).place)).toBe("2 · каб. 5");
    expect(placeText(undefined)).toBe("");
  });

  it("comes in thousands", () => {
    const devices = Array.from({ length: 10_000 }, (_, at) => aDevice(`d-${at}`, { online: at % 7 > 0 }));
    const begin = performance.now();
    const all = points(...devices);
    const { shown } = pick(all, filter({ q: "школа d-99", is: "offline" }));
    expect(shown.length).toBeGreaterThan(0);
    expect(performance.now() - begin).toBeLessThan(1_000);
  });
});
