// Sites and call points from named texts, the columns of a file or the fields of a form, with the limits of the server. Pure.
import { create } from "@bufbuild/protobuf";

import { LocationSchema, LocationSource, type Location } from "../gen/sos/device/v1/device_pb";
import { DeviceSchema, PlaceSchema, SiteKind, SiteSchema, SupervisionClass, type Device, type Site } from "../gen/sos/registry/v1/registry_pb";

/** The names of the texts, as the command line has them; the first two it cannot do without. */
export const SITE_FIELDS = ["site_id", "name", "kind", "address", "latitude", "longitude", "region"] as const;
export const DEVICE_FIELDS = [
  "site_id", "device_id", "building", "floor", "room", "latitude", "longitude", "supervision_class",
] as const;
export const REQUIRED = 2;
export type SiteField = (typeof SITE_FIELDS)[number];
export type DeviceField = (typeof DEVICE_FIELDS)[number];

/** Longest reason of a command, in characters. */
export const REASON_CHARS_MAX = 2_000;

/** Why a text means nothing. */
export type Reason =
  | { readonly code: "id" }
  | { readonly code: "length"; readonly chars: number; readonly least: number; readonly most: number }
  | { readonly code: "choice"; readonly value: string; readonly choices: readonly string[] }
  | { readonly code: "number"; readonly value: string }
  | { readonly code: "range"; readonly most: number }
  | { readonly code: "alone"; readonly beside: "latitude" | "longitude" }
  /** A row of another length than the first line. */
  | { readonly code: "fields"; readonly has: number; readonly wants: number }
  | { readonly code: "twice"; readonly name: string; readonly line: number }
  | { readonly code: "encoding" }
  | { readonly code: "quotes" }
  /** In the words of the server. */
  | { readonly code: "server"; readonly text: string };

export interface Bad<Field extends string> {
  readonly field: Field;
  readonly reason: Reason;
}

/** What was read, or everything that is wrong with it. */
export type Read<Value, Field extends string> =
  | { readonly value: Value }
  | { readonly bad: readonly Bad<Field>[] };

export type Texts<Field extends string> = Readonly<Record<Field, string>>;

const KINDS: Readonly<Record<string, SiteKind>> = {
  "": SiteKind.UNSPECIFIED, school: SiteKind.SCHOOL, hospital: SiteKind.HOSPITAL, public_place: SiteKind.PUBLIC_PLACE,
};
const CLASSES: Readonly<Record<string, SupervisionClass>> = {
  "": SupervisionClass.UNSPECIFIED, a: SupervisionClass.A, b: SupervisionClass.B, c: SupervisionClass.C, d: SupervisionClass.D,
};
export const KIND_NAMES = Object.keys(KINDS).filter((name) => name !== "");
export const CLASS_NAMES = Object.keys(CLASSES).filter((name) => name !== "");

/** The kind that a text names; none for every other text. */
export function siteKindOf(name: string): SiteKind {
  return KINDS[name] ?? SiteKind.UNSPECIFIED;
}

/** The class that a text names; none for every other text. */
export function supervisionClassOf(name: string): SupervisionClass {
  return CLASSES[name] ?? SupervisionClass.UNSPECIFIED;
}

const ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Collects what is wrong. */
class Reader<Field extends string> {
  readonly bad: Bad<Field>[] = [];

  constructor(readonly text: (field: Field) => string) {}

  refuse(field: Field, reason: Reason): void {
    this.bad.push({ field, reason });
  }

  id(field: Field): string {
    const text = this.text(field);
    if (!ID.test(text)) this.refuse(field, { code: "id" });
    return text;
  }

  words(field: Field, least: number, most: number): string {
    const text = this.text(field);
    const chars = Array.from(text).length;
    if (chars < least || chars > most) this.refuse(field, { code: "length", chars, least, most });
    return text;
  }

  choice<Value>(field: Field, table: Readonly<Record<string, Value>>, text: string, fallback: Value): Value {
    if (Object.hasOwn(table, text)) return table[text] ?? fallback;
    this.refuse(field, { code: "choice", value: this.text(field), choices: Object.keys(table).filter((name) => name !== "") });
    return fallback;
  }

  degrees(field: Field, most: number): number | undefined {
    const text = this.text(field);
    if (text === "") return undefined;
    const value = Number(text);
    if (!NUMBER.test(text)) this.refuse(field, { code: "number", value: text });
    else if (!(Math.abs(value) <= most)) this.refuse(field, { code: "range", most });
    return value;
  }

  /** Both degrees or none. */
  location(latitudeField: Field, longitudeField: Field): Location | undefined {
    const latitude = this.degrees(latitudeField, 90);
    const longitude = this.degrees(longitudeField, 180);
    if (latitude !== undefined && longitude !== undefined) {
      // As the command line says it: so a file that was typed in there is unchanged here.
      return create(LocationSchema, { latitude, longitude, source: LocationSource.SURVEYED });
    }
    if (latitude !== undefined) this.refuse(longitudeField, { code: "alone", beside: "latitude" });
    if (longitude !== undefined) this.refuse(latitudeField, { code: "alone", beside: "longitude" });
    return undefined;
  }

  done<Value>(value: Value): Read<Value, Field> {
    return this.bad.length === 0 ? { value } : { bad: this.bad };
  }
}

export function readSite(text: (field: SiteField) => string): Read<Site, SiteField> {
  const reader = new Reader(text);
  return reader.done(create(SiteSchema, {
    siteId: reader.id("site_id"),
    name: reader.words("name", 1, 200),
    kind: reader.choice("kind", KINDS, text("kind"), SiteKind.UNSPECIFIED),
    address: reader.words("address", 0, 500),
    ...located(reader.location("latitude", "longitude")),
    region: reader.words("region", 0, 100),
  }));
}

export function readDevice(text: (field: DeviceField) => string): Read<Device, DeviceField> {
  const reader = new Reader(text);
  const ids = { siteId: reader.id("site_id"), deviceId: reader.id("device_id") };
  const place = { building: reader.words("building", 0, 100), floor: reader.words("floor", 0, 100), room: reader.words("room", 0, 100) };
  return reader.done(create(DeviceSchema, {
    ...ids,
    ...(Object.values(place).some((part) => part !== "") ? { place: create(PlaceSchema, place) } : {}),
    ...located(reader.location("latitude", "longitude")),
    supervisionClass: reader.choice("supervision_class", CLASSES, text("supervision_class").toLowerCase(), SupervisionClass.UNSPECIFIED),
  }));
}

function located(location: Location | undefined): { location?: Location } {
  return location === undefined ? {} : { location };
}

function nameIn<Value>(table: Readonly<Record<string, Value>>, value: Value): string {
  return Object.keys(table).find((name) => table[name] === value) ?? "";
}

function degreesOf(location: Location | undefined): { latitude: string; longitude: string } {
  const { latitude = "", longitude = "" } = location ?? {};
  return { latitude: String(latitude), longitude: String(longitude) };
}

/** The texts of a site as it is registered. */
export function siteTexts(site: Site): Texts<SiteField> {
  const { siteId, name, address, region } = site;
  return { site_id: siteId, name, kind: nameIn(KINDS, site.kind), address, region, ...degreesOf(site.location) };
}

/** The texts of a call point as it is registered. */
export function deviceTexts(device: Device): Texts<DeviceField> {
  const { building = "", floor = "", room = "" } = device.place ?? {};
  return {
    site_id: device.siteId, device_id: device.deviceId, building, floor, room,
    supervision_class: nameIn(CLASSES, device.supervisionClass), ...degreesOf(device.location),
  };
}

/** The location to send: one that was not touched keeps how it was found and how well. */
export function keptLocation<Entry extends { location?: Location }>(entry: Entry, known: Location | undefined): Entry {
  const isSame = entry.location?.latitude === known?.latitude && entry.location?.longitude === known?.longitude;
  return isSame && known !== undefined ? { ...entry, location: known } : entry;
}

/** All that a file can say of a site or a call point, to compare by. */
export function signature(entry: Site | Device): string {
  const texts = entry.$typeName === "sos.registry.v1.Site" ? siteTexts(entry) : deviceTexts(entry);
  const { source = 0, accuracyM = 0 } = entry.location ?? {};
  return JSON.stringify([...Object.entries(texts).sort(), source, accuracyM]);
}

/** The field that the server means by `site.name` or `device.place.floor`; a place on the earth has two. */
export function fieldOf<Field extends string>(fields: readonly Field[], name: string): Field | undefined {
  const last = name.slice(name.lastIndexOf(".") + 1);
  return fields.find((field) => field === (last === "location" ? "latitude" : last));
}
