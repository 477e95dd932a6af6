// Which part of the world is looked at, and how that is written in the address. Pure.
import { ZOOM_MAX } from "./mapClusters";
import type { Place } from "./mapPlaces";

/** A centre in degrees north and east, and a zoom, which may be half a step. */
export interface View {
  readonly lat: number;
  readonly lng: number;
  readonly zoom: number;
}

/** South, west, north, east, in degrees. */
export type Box = readonly [south: number, west: number, north: number, east: number];

export const KAZAKHSTAN: Box = [40.58, 46.6, 55.44, 87.33];
export const ZOOM_MIN = 2;

const AT = /^(-?\d{1,2}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?),(\d{1,2}(?:\.\d+)?)$/;

/** Reads `lat,lng,zoom`; nothing where it is none. */
export function parseAt(text: string): View | undefined {
  const [lat, lng, zoom] = (AT.exec(text) ?? []).slice(1).map(Number);
  if (lat === undefined || lng === undefined || zoom === undefined) return undefined;
  return Math.abs(lat) <= 85 && Math.abs(lng) <= 180 && zoom >= ZOOM_MIN && zoom <= ZOOM_MAX ? { lat, lng, zoom } : undefined;
}

/** Writes it, to about ten metres. */
export function formatAt({ lat, lng, zoom }: View): string {
  const short = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
  return `${short(lat, 4)},${short(lng, 4)},${short(zoom, 1)}`;
}

/** The smallest box around all places; nothing without any. */
export function boxOf(places: readonly Place[]): Box | undefined {
  if (places.length === 0) return undefined;
  let [south, west, north, east] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { lat, lng } of places) {
    [south, west] = [Math.min(south, lat), Math.min(west, lng)];
    [north, east] = [Math.max(north, lat), Math.max(east, lng)];
  }
  return [south, west, north, east];
}

export function isInside([south, west, north, east]: Box, { lat, lng }: { lat: number; lng: number }): boolean {
  return lat >= south && lat <= north && lng >= west && lng <= east;
}

/** Metres of one pixel at the equator at zoom 0: its length, over the 256 pixels of the world. */
const EQUATOR_METRES_PER_PX = 40_075_016.686 / 256;

/** A round length, and how many pixels it has in the middle of a view: at most so many. */
export function scaleOf({ lat, zoom }: Pick<View, "lat" | "zoom">, most: number): { metres: number; px: number } {
  const metresPerPx = (EQUATOR_METRES_PER_PX * Math.cos((lat * Math.PI) / 180)) / 2 ** zoom;
  const power = 10 ** Math.floor(Math.log10(most * metresPerPx));
  const metres = power * ([5, 2].find((factor) => factor * power <= most * metresPerPx) ?? 1);
  return { metres, px: metres / metresPerPx };
}
