// Which names of towns and countries are written at a zoom, so that none lies on another. Pure.
import type { Lang } from "../i18n/lang.svelte";

/** A row of data/towns.json: degrees north and east, people, and the names; an empty one is as the one before it. */
export type TownRow = readonly [lat: number, lng: number, people: number, en: string, ru: string, kk: string];

/** A name that wants to be written at a point. */
export interface Name {
  readonly key: string;
  readonly text: string;
  readonly lat: number;
  readonly lng: number;
  readonly kind: "town" | "country";
}

/** A town of so many people has its name written at zoom 3; each step closer, a third of it is enough. */
const PEOPLE = 1_500_000;
const TOWNS_FROM = 4;
const ALL_FROM = 10;

/** Between these, countries have their names written. */
const COUNTRIES_ZOOM = [3, 6.5] as const;

export function townName([, , , en, ru, kk]: TownRow, lang: Lang): string {
  if (lang === "en") return en;
  const russian = ru === "" ? en : ru;
  return lang === "kk" && kk !== "" ? kk : russian;
}

/** The towns that are large enough for a zoom, the largest first. */
export function townsAt(towns: readonly TownRow[], zoom: number, lang: Lang): readonly Name[] {
  if (zoom < TOWNS_FROM) return [];
  const least = zoom >= ALL_FROM ? 0 : PEOPLE / 3 ** (zoom - 3);
  return towns
    .filter(([, , people]) => people >= least)
    .map((town): Name => ({ key: `${town[3]} ${town[0]}`, text: townName(town, lang), lat: town[0], lng: town[1], kind: "town" }));
}

/** The countries that are named at a zoom: ISO 3166-1 code, degrees north and east. */
export function countriesAt(
  countries: readonly (readonly [code: string, lat: number, lng: number])[],
  zoom: number,
  nameOf: (code: string) => string,
): readonly Name[] {
  if (zoom < COUNTRIES_ZOOM[0] || zoom > COUNTRIES_ZOOM[1]) return [];
  return countries.map(([code, lat, lng]): Name => ({ key: `${code} ${lat}`, text: nameOf(code), lat, lng, kind: "country" }));
}

/** Where a name is written from its point: a town's is tried on each side, a country's only across. */
export const SIDES = ["right", "left", "below", "above", "far-below", "far-above", "across"] as const;
export type Side = (typeof SIDES)[number];

/** How far the middle of the line is above or below the point, in lines. */
const LINES: Readonly<Record<Side, number>> = { right: 0, left: 0, across: 0, below: 1, above: -1, "far-below": 2.2, "far-above": -2.2 };

/** How much wider than a letter of a town's name one of a country's is. */
const CAPITAL = 1.6;

/** A part of the screen, in pixels. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** How wide a letter and how high a line is, in pixels. */
export interface Type {
  readonly letter: number;
  readonly line: number;
}

function areaOf({ text, kind }: Name, side: Side, { x, y }: { x: number; y: number }, { letter, line }: Type): Area {
  const width = text.length * letter * (kind === "town" ? 1 : CAPITAL);
  const left = side === "right" ? x - line / 2 : side === "left" ? x - width - line / 2 : x - width / 2;
  const middle = y + LINES[side] * line;
  const dot = side === "right" || side === "left" ? line : 0;
  return { left, right: left + width + dot, top: middle - line / 2, bottom: middle + line / 2 };
}

function meet(one: Area, other: Area): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

/** Writes the first names first, each where it meets none before it and nothing else; those that find no room are left out. */
export function placeNames(
  names: readonly Name[],
  at: (name: Name) => { x: number; y: number },
  type: Type,
  others: readonly Area[],
): readonly { name: Name; side: Side }[] {
  const taken = [...others];
  return names.flatMap((name) => {
    const sides = SIDES.filter((side) => (side === "across") === (name.kind === "country"));
    for (const side of sides) {
      const area = areaOf(name, side, at(name), type);
      if (taken.some((other) => meet(area, other))) continue;
      taken.push(area);
      return [{ name, side }];
    }
    return [];
  });
}
