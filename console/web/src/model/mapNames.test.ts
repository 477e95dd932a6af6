// Names of towns and countries: which, in which language, and none on another.
import { expect, test } from "vitest";

import towns from "../data/towns.json";
import world from "../data/world.json";
import { countriesAt, placeNames, townName, townsAt, type Name, type TownRow } from "./mapNames";
import { isInside, KAZAKHSTAN } from "./mapView";

const rows = towns as unknown as readonly TownRow[];
const TYPE = { letter: 8, line: 20 };

const row: TownRow = [50, 70, 1_000, "Oral", "Уральск", "Орал"];

function name(text: string, x: number, y: number, kind: Name["kind"] = "town"): Name {
  return { key: text, text, lat: y, lng: x, kind };
}
const at = ({ lat, lng }: Name) => ({ x: lng, y: lat });

test("a town has the name of the language, or the nearest to it", () => {
  expect((["en", "ru", "kk"] as const).map((lang) => townName(row, lang))).toEqual(["Oral", "Уральск", "Орал"]);
  expect(townName([1, 1, 1, "Taraz", "Тараз", ""], "kk")).toBe("Тараз");
  expect(townName([1, 1, 1, "Shar", "", ""], "kk")).toBe("Shar");
});

test("the closer one looks, the more towns are named, and at last all of them", () => {
  const counts = [3, 4, 5, 6, 7, 8, 9, 10].map((zoom) => townsAt(rows, zoom, "en").length);
  expect(counts).toEqual([...counts].sort((one, other) => one - other));
  expect([counts[0], counts.at(-1)]).toEqual([0, rows.length]);
});

test("countries are named from afar only", () => {
  expect(countriesAt([["KZ", 48, 67]], 5, (code) => `of ${code}`).map(({ text }) => text)).toEqual(["of KZ"]);
  expect(countriesAt([["KZ", 48, 67]], 12, String)).toEqual([]);
});

test("a name goes to another side of its point before it meets another name", () => {
  const placed = placeNames([name("Almaty", 100, 100), name("Talgar", 120, 100)], at, TYPE, []);
  expect(placed.map(({ name, side }) => [name.text, side])).toEqual([["Almaty", "right"], ["Talgar", "below"]]);
});

test("a name keeps off markers, and stays away where there is no room", () => {
  const marker = { left: 80, right: 120, top: 80, bottom: 120 };
  expect(placeNames([name("Almaty", 100, 100)], at, TYPE, [marker]).map(({ side }) => side)).toEqual(["far-below"]);
  expect(placeNames([name("Almaty", 100, 100)], at, TYPE, [{ left: 0, right: 200, top: 0, bottom: 200 }])).toEqual([]);
});

test("a country is written across its point", () => {
  expect(placeNames([name("Kazakhstan", 100, 100, "country")], at, TYPE, []).map(({ side }) => side)).toEqual(["across"]);
});

test("the data is what the map takes it for", () => {
  expect(rows.length).toBeGreaterThan(300);
  expect(rows.map(([, , people]) => people)).toEqual(rows.map(([, , people]) => people).sort((one, other) => other - one));
  for (const [lat, lng, , en, ru] of rows) {
    expect(isInside(KAZAKHSTAN, { lat, lng }), en).toBe(true);
    expect(ru).not.toMatch(/[a-z]/i);
  }
  const lines = [...world.land.flat(), ...world.home.flat(), ...world.borders];
  for (const line of lines) {
    expect(line.length % 2).toBe(0);
    for (let index = 0; index < line.length; index += 2) expect(isInside([-90, -180, 90, 180], { lat: line[index] ?? NaN, lng: line[index + 1] ?? NaN })).toBe(true);
  }
  const border = world.home.flat().flat();
  const [lats, lngs] = [0, 1].map((half) => border.filter((_, index) => index % 2 === half)) as [number[], number[]];
  const edges = [Math.min(...lats), Math.min(...lngs), Math.max(...lats), Math.max(...lngs)];
  edges.forEach((edge, index) => expect(edge).toBeCloseTo(KAZAKHSTAN[index] ?? NaN, 1));
});
