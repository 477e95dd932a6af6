// Names of towns and countries on the map: those that find room, the largest first.
import L from "leaflet";

import { isInside, type Box } from "../../model/mapView";
import { placeNames, type Area, type Name, type Side } from "../../model/mapNames";
import { PANES } from "./chart";

/** How wide a letter and how high a line is, in rem. */
const LETTER_REM = 0.5;
const LINE_REM = 1.2;

/** Something that names keep off: where it is, and half its width and height in rem. */
export interface Obstacle {
  readonly lat: number;
  readonly lng: number;
  readonly wide: number;
  readonly high: number;
}

function icon(text: string, kind: Name["kind"], side: Side): L.DivIcon {
  const name = document.createElement("span");
  name.textContent = text;
  return L.divIcon({ html: name, className: `map-name ${kind} ${side}`, iconSize: [0, 0] });
}

export class Names {
  readonly #map: L.Map;
  readonly #shown = new Map<string, { face: string; marker: L.Marker }>();

  constructor(map: L.Map) {
    this.#map = map;
    map.getPane(PANES.names)?.setAttribute("aria-hidden", "true");
  }

  /** Shows as many of those in sight as have room; the first ones first. */
  show(names: readonly Name[], sight: Box, obstacles: readonly Obstacle[]): void {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const at = ({ lat, lng }: { lat: number; lng: number }): L.Point => this.#map.latLngToLayerPoint([lat, lng]);
    const others = obstacles.map((obstacle): Area => {
      const { x, y } = at(obstacle);
      const [wide, high] = [obstacle.wide * rem, obstacle.high * rem];
      return { left: x - wide, right: x + wide, top: y - high, bottom: y + high };
    });
    const seen = names.filter((name) => isInside(sight, name));
    const placed = placeNames(seen, at, { letter: LETTER_REM * rem, line: LINE_REM * rem }, others);
    const keys = new Set(placed.map(({ name }) => name.key));
    for (const [key, { marker }] of this.#shown) {
      if (keys.has(key)) continue;
      marker.remove();
      this.#shown.delete(key);
    }
    for (const { name, side } of placed) this.#put(name, side);
  }

  #put({ key, text, lat, lng, kind }: Name, side: Side): void {
    const face = `${side} ${text}`;
    const known = this.#shown.get(key);
    if (known === undefined) {
      const marker = L.marker([lat, lng], { pane: PANES.names, icon: icon(text, kind, side), interactive: false, keyboard: false }).addTo(this.#map);
      this.#shown.set(key, { face, marker });
    } else if (known.face !== face) {
      known.marker.setIcon(icon(text, kind, side));
      known.face = face;
    }
  }
}
