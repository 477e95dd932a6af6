// Whether every button would work: what is wrong with each call point, which of them a view shows, and in which order. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import { FaultKind } from "../gen/sos/device/v1/device_pb";
import { DeviceCondition, type Device, type Site, type Window } from "../gen/sos/registry/v1/registry_pb";
import { holds, searchable, wordsOf } from "./search";

/** What call points are picked by. */
export const FACETS = ["offline", "battery", "tamper", "fault", "window", "unverified", "retired"] as const;
export type Facet = (typeof FACETS)[number];

/** A call point with what follows from it and its site. */
export interface CallPoint {
  /** `{site_id}/{device_id}`. */
  readonly key: string;
  readonly device: Device;
  readonly site: Site | undefined;
  /** The exercise or test that it is in, its own or its site's. */
  readonly window: Window | undefined;
  readonly facets: ReadonlySet<Facet>;
  /** The lower, the worse. */
  readonly rank: number;
  /** Everything that can be searched for, in small letters. */
  readonly text: string;
}

export function keyOf({ siteId, deviceId }: { readonly siteId: string; readonly deviceId: string }): string {
  return `${siteId}/${deviceId}`;
}

/** Whether an exercise or a test goes on; the server does not tell when one is over by itself. */
export function inForce(window: Window | undefined, now: number): window is Window {
  return window?.endsAt !== undefined && timestampMs(window.endsAt) > now;
}

/** The window that a call point is in: its own before its site's. */
export function windowOf(device: Device, site: Site | undefined, now: number): Window | undefined {
  return [device.window, site?.window].find((window) => inForce(window, now));
}

function facetsOf(device: Device, window: Window | undefined): ReadonlySet<Facet> {
  // One that was taken out of use asks for no care.
  if (device.retired) return new Set<Facet>(["retired"]);
  const facets = new Set<Facet>();
  if (!device.online) facets.add("offline");
  if (device.unverified) facets.add("unverified");
  if (window !== undefined) facets.add("window");
  for (const fault of device.faults) {
    facets.add(fault === FaultKind.BATTERY_LOW ? "battery" : fault === FaultKind.TAMPER ? "tamper" : "fault");
  }
  return facets;
}

function rankOf(device: Device): number {
  if (device.retired) return 5;
  if (!device.online && !device.unverified) return 0;
  if (device.condition === DeviceCondition.FAILED) return 1;
  if (device.condition === DeviceCondition.DEGRADED) return 2;
  return device.faults.length > 0 ? 3 : 4;
}

/** What follows from a call point; what was known of it before, if that still holds. */
export function pointOf(device: Device, site: Site | undefined, now: number, before?: CallPoint): CallPoint {
  const window = windowOf(device, site, now);
  if (before?.device === device && before.site === site && before.window === window) return before;
  const { building = "", floor = "", room = "" } = device.place ?? {};
  const texts = [device.siteId, device.deviceId, site?.name ?? "", site?.region ?? "", building, floor, room];
  return {
    key: keyOf(device), device, site, window,
    facets: facetsOf(device, window), rank: rankOf(device), text: searchable(texts),
  };
}

/** The worst first; of equals, by site and call point. */
export function compareWorst(one: CallPoint, other: CallPoint): number {
  return one.rank - other.rank || (one.key < other.key ? -1 : Number(one.key > other.key));
}

export interface Filter {
  /** Any of these; none: all that are in use. */
  readonly facets: ReadonlySet<Facet>;
  /** Words that all have to be found. */
  readonly text: string;
  /** Only of this site; empty for all. */
  readonly site: string;
}

/** Reads a filter from parameters of the address. */
export function filterOf(param: (name: string) => string): Filter {
  const wanted = param("is").split(",");
  return { facets: new Set(FACETS.filter((facet) => wanted.includes(facet))), text: param("q"), site: param("site") };
}

/** The parameter of the address after a facet was turned on or off. */
export function toggled(filter: Filter, facet: Facet): string {
  return FACETS.filter((known) => filter.facets.has(known) !== (known === facet)).join(",");
}

export interface Picked {
  /** What the filter lets through, in its order. */
  readonly shown: readonly CallPoint[];
  /** How many of the site and the text there are with each facet, and of those in use. */
  readonly counts: Readonly<Record<Facet | "all", number>>;
}

/** What a filter lets through, and what it would with other facets. */
export function pick(points: readonly CallPoint[], filter: Filter): Picked {
  const sought = wordsOf(filter.text);
  const counts = { all: 0, offline: 0, battery: 0, tamper: 0, fault: 0, window: 0, unverified: 0, retired: 0 };
  const shown: CallPoint[] = [];
  for (const point of points) {
    if (filter.site !== "" && point.device.siteId !== filter.site) continue;
    if (!holds(point.text, sought)) continue;
    let fits = filter.facets.size === 0 && !point.device.retired;
    for (const facet of point.facets) {
      counts[facet] += 1;
      fits ||= filter.facets.has(facet);
    }
    if (!point.device.retired) counts.all += 1;
    if (fits) shown.push(point);
  }
  return { shown, counts };
}

export interface Totals {
  readonly total: number;
  readonly online: number;
  readonly offline: number;
  readonly faulty: number;
}

/** How many call points are in use, and how they are. */
export function totalsOf(points: readonly CallPoint[]): Totals {
  let [total, online, faulty] = [0, 0, 0];
  for (const { device } of points) {
    if (device.retired) continue;
    total += 1;
    if (device.online) online += 1;
    if (device.faults.length > 0) faulty += 1;
  }
  return { total, online, offline: total - online, faulty };
}
