// Pictures of the map from a tile server, where one is configured.
import L from "leaflet";

import { ZOOM_MAX } from "../../model/mapClusters";

/** Adds them; `told` hears whether they fail. What they fail to show, the ground below them does. */
export function addTiles(map: L.Map, template: string, told: (isFailing: boolean) => void): void {
  let failures = 0;
  // Servers of pictures want to know who asks; the page alone would not say.
  const tiles = L.tileLayer(template, { noWrap: true, maxZoom: ZOOM_MAX, referrerPolicy: "origin" });
  tiles.on("loading", () => {
    failures = 0;
  });
  tiles.on("tileerror", () => {
    failures += 1;
    told(true);
  });
  tiles.on("load", () => told(failures > 0));
  tiles.addTo(map);
}
