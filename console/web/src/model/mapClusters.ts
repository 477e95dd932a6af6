// Points that would lie on each other are shown as one. Only where the points lie counts, not what happens there: so an
// alert that comes or goes costs no new index.
import Supercluster from "supercluster";

import type { Place } from "./mapPlaces";

/** No closer look than this. */
export const ZOOM_MAX = 18;

/** The side of the whole world at zoom 0, in pixels. */
const WORLD_PX = 256;

/** What is shown at one point. */
export interface Group {
  /** The same for as long as it holds the same first place. */
  readonly key: string;
  readonly lat: number;
  readonly lng: number;
  /** At least one. */
  readonly places: readonly Place[];
  /** At which zoom it falls apart; over ZOOM_MAX: never. */
  readonly opensAt: () => number;
}

interface Point {
  readonly place: Place;
}

export class Clusters {
  readonly #index: Supercluster<Point>;
  readonly #groups = new Map<number, readonly Group[]>();

  /** Points nearer than `radius`, in pixels, become one. */
  constructor(places: readonly Place[], radius: number) {
    this.#index = new Supercluster<Point>({ radius, extent: WORLD_PX, maxZoom: ZOOM_MAX });
    this.#index.load(
      places.map((place) => ({ type: "Feature", properties: { place }, geometry: { type: "Point", coordinates: [place.lng, place.lat] } })),
    );
  }

  /** All groups at a zoom. */
  at(zoom: number): readonly Group[] {
    const whole = Math.min(Math.max(Math.floor(zoom), 0), ZOOM_MAX);
    let groups = this.#groups.get(whole);
    if (groups === undefined) {
      groups = this.#index.getClusters([-180, -90, 180, 90], whole).map((feature) => this.#group(feature));
      this.#groups.set(whole, groups);
    }
    return groups;
  }

  #group({ geometry, properties }: Supercluster.ClusterFeature<Supercluster.AnyProps> | Supercluster.PointFeature<Point>): Group {
    const [lng = 0, lat = 0] = geometry.coordinates;
    if (!("cluster_id" in properties)) {
      const { place } = properties as Point;
      return { key: place.key, lat, lng, places: [place], opensAt: () => ZOOM_MAX + 1 };
    }
    const id = properties.cluster_id as number;
    const places = this.#index.getLeaves(id, Infinity).map((leaf) => leaf.properties.place);
    return { key: `+${places[0]?.key}`, lat, lng, places, opensAt: () => this.#index.getClusterExpansionZoom(id) };
  }
}
