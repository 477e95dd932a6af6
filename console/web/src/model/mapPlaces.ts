// Where sites and open alerts are, and which alerts are at which place. Pure.
import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import type { Location } from "../gen/sos/device/v1/device_pb";
import type { Site } from "../gen/sos/registry/v1/registry_pb";
import { isPress, rings, siteName } from "./alert";
import { holds, searchable, wordsOf } from "./search";

/** A point of the map: a site, or a call point that nobody registered and that says itself where it is. */
export interface Place {
  /** Names it on the map; no site id, which has no slash. */
  readonly key: string;
  readonly siteId: string;
  readonly name: string;
  /** Degrees north. */
  readonly lat: number;
  /** Degrees east. */
  readonly lng: number;
}

/** The open alerts of a place, the most urgent first. */
export interface Standing {
  readonly place: Place;
  readonly alerts: readonly Alert[];
}

/** What the map shows at a time. */
export interface Scene {
  /** Every point of it. The same array as before, where none came, went or moved. */
  readonly places: readonly Place[];
  /** Places with open alerts, by key, the most urgent first. */
  readonly standings: ReadonlyMap<string, Standing>;
  /** Open alerts of which nobody knows where they are. */
  readonly lost: number;
}

export const NO_SCENE: Scene = { places: [], standings: new Map(), lost: 0 };

/** Beyond this, the projection of the map has no place; in degrees north and south. */
const LATITUDE_MAX = 85;

/** A location that can be shown; what is none is left out, and not drawn in the Gulf of Guinea. */
export function pointOf(location: Location | undefined): { lat: number; lng: number } | undefined {
  if (location === undefined) return undefined;
  const { latitude: lat, longitude: lng } = location;
  const isPoint = Math.abs(lat) <= LATITUDE_MAX && Math.abs(lng) <= 180 && (lat !== 0 || lng !== 0);
  return isPoint ? { lat, lng } : undefined;
}

/** The places of sites, by site id; those without a location have none. */
export function sitePlaces(sites: Iterable<Site>): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const { siteId, name, location } of sites) {
    const point = pointOf(location);
    if (point !== undefined) places.set(siteId, { key: siteId, siteId, name: name === "" ? siteId : name, ...point });
  }
  return places;
}

/** The place of an alert: its site's, else its own. */
function placeOf(alert: Alert, sites: ReadonlyMap<string, Place>): Place | undefined {
  const site = sites.get(alert.siteId);
  if (site !== undefined) return site;
  const point = pointOf(alert.location);
  return point && { key: `${alert.siteId}/${alert.deviceId}`, siteId: alert.siteId, name: siteName(alert), ...point };
}

/** Whether somebody pressed there and nobody has come to it. */
export function isCalling({ alerts }: Standing): boolean {
  return alerts.some((alert) => rings(alert) && isPress(alert));
}

/** Puts open alerts, the most urgent first, to their places. */
export function sceneOf(sites: ReadonlyMap<string, Place>, open: readonly Alert[], before: Scene): Scene {
  const found = new Map<string, { place: Place; alerts: Alert[] }>();
  let lost = 0;
  for (const alert of open) {
    const place = placeOf(alert, sites);
    const standing = place && found.get(place.key);
    if (standing !== undefined) standing.alerts.push(alert);
    else if (place !== undefined) found.set(place.key, { place, alerts: [alert] });
    else lost += 1;
  }
  const all = [...found.values()];
  // A press that nobody took comes first, also where something else there has a higher priority and is in good hands.
  const ordered = [...all.filter(isCalling), ...all.filter((standing) => !isCalling(standing))];
  const places = [...sites.values(), ...all.map(({ place }) => place).filter(({ key }) => !sites.has(key))];
  return {
    places: areSame(places, before.places) ? before.places : places,
    standings: new Map(ordered.map((standing) => [standing.place.key, standing])),
    lost,
  };
}

/** Order aside where only alerts without a site changed places: then the index is made anew, which is harmless. */
function areSame(one: readonly Place[], other: readonly Place[]): boolean {
  return one.length === other.length && one.every((place, at) => isSame(place, other[at]));
}

function isSame(place: Place, other: Place | undefined): boolean {
  return place === other || (place.key === other?.key && place.lat === other.lat && place.lng === other.lng && place.name === other.name);
}

/** Whether a place answers to what somebody types: every word in its name, id, region or address. */
export function findSites(sites: Iterable<Site>, text: string): readonly Site[] {
  const sought = wordsOf(text);
  if (sought.length === 0) return [];
  return [...sites].filter(({ siteId, name, region, address }) => holds(searchable([name, siteId, region, address]), sought));
}
