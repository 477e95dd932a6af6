// The map itself: the one place where Leaflet is set up. What lies on it is in ground.ts, names.ts, marks.ts and tiles.ts.
import L from "leaflet";
import "leaflet/dist/leaflet.css";

import { ZOOM_MAX } from "../../model/mapClusters";
import { ZOOM_MIN, type Box, type View } from "../../model/mapView";

/** Beyond the edges of the world there is nothing to see; in degrees. */
const EDGES: L.LatLngBoundsLiteral = [[-84, -200], [84, 200]];

/** Free space around what is brought into sight, as a share of the map. */
const MARGIN = 0.04;

/** A box of one site is not looked at from closer than this. */
const FIT_ZOOM_MAX = 14;

export const PANES = { ground: "ground", names: "names" } as const;

export class Chart {
  readonly map: L.Map;
  readonly #isStill: boolean;
  readonly #observer: ResizeObserver;

  /** In an element; `hasTiles`: zooms in whole steps, at which pictures are sharp. */
  constructor(element: HTMLElement, hasTiles: boolean, view: View | Box) {
    this.#isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const animation = !this.#isStill;
    this.map = L.map(element, {
      attributionControl: false, zoomControl: false, trackResize: false, minZoom: ZOOM_MIN, maxZoom: ZOOM_MAX, zoomSnap: hasTiles ? 1 : 0.5,
      maxBounds: EDGES, maxBoundsViscosity: 0.8, zoomAnimation: animation, fadeAnimation: animation, markerZoomAnimation: animation, inertia: animation,
    });
    // Below pictures, so that it shows where they are missing.
    this.map.createPane(PANES.ground).classList.add("map-ground");
    this.map.createPane(PANES.names).classList.add("map-names");
    if ("zoom" in view) this.goTo(view, false);
    else this.fit(view, false);
    this.#observer = new ResizeObserver(() => this.#resized());
    this.#observer.observe(element);
  }

  get view(): View {
    const { lat, lng } = this.map.getCenter();
    return { lat, lng, zoom: this.map.getZoom() };
  }

  /** What is in sight, and as much again around it as `share` says. */
  inSight(share: number): Box {
    const bounds = this.map.getBounds().pad(share);
    return [bounds.getSouth(), bounds.getWest(), bounds.getNorth(), bounds.getEast()];
  }

  goTo({ lat, lng, zoom }: View, isShown = true): void {
    this.map.setView([lat, lng], zoom, { animate: isShown && !this.#isStill });
  }

  fit([south, west, north, east]: Box, isShown = true): void {
    const size = this.map.getSize();
    this.map.fitBounds([[south, west], [north, east]], {
      padding: [size.x * MARGIN, size.y * MARGIN], maxZoom: FIT_ZOOM_MAX, animate: isShown && !this.#isStill,
    });
  }

  zoomBy(steps: number): void {
    this.map.setZoom(this.map.getZoom() + steps, { animate: !this.#isStill });
  }

  /** Keeps what is in the middle to the last digit: else a saved view would wander, by half a pixel each time. */
  #resized(): void {
    const { lat, lng, zoom } = this.view;
    this.map.invalidateSize({ pan: false });
    // Leaflet does not name `reset` in its manual: without it, it moves by whole pixels.
    const exactly: L.ZoomPanOptions & { reset: boolean } = { animate: false, reset: true };
    this.map.setView([lat, lng], zoom, exactly);
  }

  destroy(): void {
    this.#observer.disconnect();
    this.map.remove();
  }
}
