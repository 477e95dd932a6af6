// Makes src/data/world.json and src/data/towns.json: all that the map can show without a tile server.
// src/data/README.md says what of whom is in them, and how to run this.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

import { feature, mesh } from "topojson-client";

const require = createRequire(import.meta.url);
const coarse = require("world-atlas/countries-110m.json");
const fine = require("world-atlas/countries-50m.json");
const here = (path) => new URL(path, import.meta.url);

const HOME = "398";
/** Kazakhstan and those whose borders are seen beside it: Kyrgyzstan, Uzbekistan, Turkmenistan, Tajikistan. ISO 3166-1. */
const NEAR = new Set([HOME, "417", "860", "795", "762"]);
/** Antarctica has no call points; in degrees north. */
const SOUTH_END = -60;

/** Where the names of countries stand: ISO 3166-1 code, degrees north and east. */
const COUNTRIES = [
  ["KZ", 48.6, 66.8], ["RU", 57.5, 62.5], ["RU", 62, 100], ["CN", 43.2, 86.5], ["CN", 35, 104], ["UZ", 42.6, 61.5], ["TM", 39.6, 59],
  ["KG", 41.6, 74.4], ["TJ", 38.5, 71.5], ["MN", 46.8, 103], ["AZ", 40.4, 47.7], ["AF", 34, 66], ["IR", 33, 54], ["TR", 39, 35.3],
  ["UA", 49, 31.5], ["IN", 22.5, 79], ["US", 39.5, -98.5], ["CA", 58, -105],
];

/** A line as latitude, longitude, latitude, longitude… */
function flat(line, decimals) {
  const scale = 10 ** decimals;
  const numbers = [];
  for (const [longitude, latitude] of line) {
    const [lat, lng] = [Math.round(latitude * scale) / scale, Math.round(longitude * scale) / scale];
    if (lat !== numbers.at(-2) || lng !== numbers.at(-1)) numbers.push(lat, lng);
  }
  return numbers;
}

const features = (topology, object) => {
  const found = feature(topology, object);
  return found.type === "FeatureCollection" ? found.features : [found];
};

const polygonsOf = (topology, object) =>
  features(topology, object).flatMap(({ geometry }) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates));

/** Land of the coarse map, with the shore of the Caspian Sea from the fine one: so that it meets Kazakhstan's border. */
function land() {
  const holesOf = (topology) =>
    polygonsOf(topology, topology.objects.land).flatMap(([, ...holes]) => holes).filter(([[longitude, latitude]]) => longitude > 45 && longitude < 56 && latitude > 35);
  const isCaspian = new Set(holesOf(coarse).map((ring) => String(ring[0])));
  const shore = holesOf(fine).map((ring) => flat(ring, 3));
  if (isCaspian.size !== 1 || shore.length !== 1) throw new Error("the Caspian Sea is not where it was");
  return polygonsOf(coarse, coarse.objects.land)
    .filter(([ring]) => ring.some(([, latitude]) => latitude > SOUTH_END))
    .map((rings) => rings.flatMap((ring) => (isCaspian.has(String(ring[0])) ? shore : [flat(ring, 2)])));
}

/** Borders between two countries: fine near Kazakhstan, coarse elsewhere. Its own are drawn with the country. */
function borders() {
  const isNear = (one, other) => NEAR.has(one.id) || NEAR.has(other.id);
  const near = mesh(fine, fine.objects.countries, (one, other) => one !== other && isNear(one, other) && one.id !== HOME && other.id !== HOME);
  const far = mesh(coarse, coarse.objects.countries, (one, other) => one !== other && !isNear(one, other));
  return [...near.coordinates.map((line) => flat(line, 3)), ...far.coordinates.map((line) => flat(line, 2))];
}

function home() {
  const country = fine.objects.countries.geometries.find(({ id }) => id === HOME);
  return polygonsOf(fine, country).map((rings) => rings.map((ring) => flat(ring, 3)));
}

function rows(path) {
  const [head, ...lines] = readFileSync(here(path), "utf8").trim().split(/\r?\n/);
  const columns = head.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((text, at) => [columns[at], text])));
}

const LETTERS = {
  а: "a", б: "b", в: "v", г: "g", д: "d", е: "e", ё: "e", ж: "zh", з: "z", и: "i", й: "y", к: "k", л: "l", м: "m", н: "n", о: "o", п: "p", р: "r",
  с: "s", т: "t", у: "u", ф: "f", х: "kh", ц: "ts", ч: "ch", ш: "sh", щ: "shch", ъ: "", ы: "y", ь: "", э: "e", ю: "yu", я: "ya",
};

/** What two ways of writing one name have in common. */
function sound(name) {
  const latin = Array.from(name.toLowerCase(), (letter) => LETTERS[letter] ?? letter).join("");
  const plain = latin.normalize("NFD").replace(/q/g, "k").replace(/gh/g, "g").replace(/kh/g, "k").replace(/ch/g, "sh").replace(/[^a-z]/g, "");
  return plain.replace(/[aeiouy](?!$)/g, "").replace(/[aeiouy]$/, "+");
}

/** The Cyrillic name, where it is Russian and of today: GeoNames has names there that were given up long ago. */
function russian({ name, cyrillic_name: cyrillic }) {
  return /^[А-ЯЁ][А-ЯЁа-яё -]+$/.test(cyrillic) && sound(cyrillic) === sound(name) ? cyrillic : "";
}

/** Latitude, longitude, population, and the names; one that repeats the name before it is empty. */
function towns() {
  const known = new Map(rows("town-names.csv").map(({ name, admin1_code, ru, kk }) => [`${name}/${admin1_code}`, { ru, kk }]));
  const table = rows("../../../simulator/data/kz-cities.csv").map((town) => {
    const key = `${town.name}/${town.admin1_code}`;
    const { ru, kk } = known.get(key) ?? { ru: russian(town), kk: "" };
    known.delete(key);
    const place = [town.latitude, town.longitude].map((degrees) => Math.round(Number(degrees) * 1000) / 1000);
    return [...place, Number(town.population), town.name, ru, kk === ru ? "" : kk];
  });
  const missing = [...known.keys()];
  if (missing.length > 0) throw new Error(`no such towns: ${missing.join(", ")}`);
  return table.sort((one, other) => other[2] - one[2]);
}

function write(path, value) {
  const text = `${JSON.stringify(value)}\n`;
  writeFileSync(here(path), text);
  console.log(`${path}: ${text.length} bytes`);
}

write("../src/data/world.json", { land: land(), borders: borders(), home: home(), countries: COUNTRIES });
write("../src/data/towns.json", towns());
