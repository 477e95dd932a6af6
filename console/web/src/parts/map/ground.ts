// Land and borders, as the console brings them with it. Their colours are the style sheet's: so they follow the theme.
import L from "leaflet";

import { PANES } from "./chart";

type Line = readonly number[];

/** data/world.json. Lines are latitude, longitude, latitude, longitude… */
export interface World {
  readonly land: readonly (readonly Line[])[];
  readonly borders: readonly Line[];
  readonly home: readonly (readonly Line[])[];
  readonly countries: readonly (readonly [code: string, lat: number, lng: number])[];
}

function points(line: Line): L.LatLngTuple[] {
  const found: L.LatLngTuple[] = [];
  for (let at = 0; at + 1 < line.length; at += 2) found.push([line[at] ?? 0, line[at + 1] ?? 0]);
  return found;
}

/** Draws it, below everything else. */
export function drawGround(map: L.Map, world: World): void {
  const renderer = L.svg({ pane: PANES.ground, padding: 0.4 });
  const common = { renderer, pane: PANES.ground, interactive: false };
  const polygons = (all: World["land"]): L.LatLngTuple[][][] => all.map((rings) => rings.map(points));
  L.polygon(polygons(world.land), { ...common, className: "map-land" }).addTo(map);
  L.polygon(polygons(world.home), { ...common, className: "map-home" }).addTo(map);
  L.polyline(world.borders.map(points), { ...common, className: "map-border" }).addTo(map);
}
