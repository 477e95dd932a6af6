// The markers: buttons at points, of which only those are touched that changed.
import L from "leaflet";

import type { Look } from "../../model/mapLook";

/** A marker as it should be. */
export interface Mark {
  readonly key: string;
  readonly lat: number;
  readonly lng: number;
  /** The site; empty for a group of sites. */
  readonly siteId: string;
  readonly look: Look;
  /** 0 to 3: the larger, the longer nobody came. */
  readonly level: number;
  /** What stands on it; empty for a dot. */
  readonly sign: string;
  /** How many sites, for a group. */
  readonly sites: string;
  /** What it says to those who do not see it. */
  readonly label: string;
  readonly isCurrent: boolean;
}

/** The more urgent lies on top of the less urgent. */
const HEIGHT: Readonly<Record<Look, number>> = { alarm: 5_000, taken: 3_000, technical: 4_000, handled: 2_000, drill: 1_000, quiet: 0 };

interface Shown {
  mark: Mark;
  readonly marker: L.Marker;
  readonly button: HTMLButtonElement;
}

export class Marks {
  readonly #map: L.Map;
  readonly #open: (mark: Mark) => void;
  readonly #shown = new Map<string, Shown>();

  constructor(map: L.Map, open: (mark: Mark) => void) {
    this.#map = map;
    this.#open = open;
  }

  show(marks: readonly Mark[]): void {
    const keys = new Set(marks.map(({ key }) => key));
    for (const [key, { marker }] of this.#shown) {
      if (keys.has(key)) continue;
      marker.remove();
      this.#shown.delete(key);
    }
    for (const mark of marks) {
      const known = this.#shown.get(mark.key);
      if (known === undefined) this.#add(mark);
      else this.#change(known, mark);
    }
  }

  #add(mark: Mark): void {
    const button = document.createElement("button");
    button.type = "button";
    const icon = L.divIcon({ html: button, className: "map-point", iconSize: [0, 0] });
    const marker = L.marker([mark.lat, mark.lng], { icon, keyboard: false });
    const shown: Shown = { mark, marker, button };
    // The mouse through Leaflet, which knows a click from the end of a drag; keys directly.
    marker.on("click", () => this.#open(shown.mark));
    button.addEventListener("click", (event) => {
      if (event.detail !== 0) return;
      event.stopPropagation();
      this.#open(shown.mark);
    });
    dress(button, mark);
    marker.setZIndexOffset(HEIGHT[mark.look]).addTo(this.#map);
    this.#shown.set(mark.key, shown);
  }

  #change(shown: Shown, mark: Mark): void {
    const before = shown.mark;
    shown.mark = mark;
    if (before.lat !== mark.lat || before.lng !== mark.lng) shown.marker.setLatLng([mark.lat, mark.lng]);
    if (before.look !== mark.look) shown.marker.setZIndexOffset(HEIGHT[mark.look]);
    if (FACES.some((face) => before[face] !== mark[face])) dress(shown.button, mark);
  }
}

/** Everything of a mark that is seen or read. */
const FACES = ["siteId", "look", "level", "sign", "sites", "label", "isCurrent"] as const satisfies readonly (keyof Mark)[];

function dress(button: HTMLButtonElement, mark: Mark): void {
  const isGroup = mark.siteId === "";
  button.className = `map-mark ${mark.look} level-${mark.level} ${isGroup ? "group" : "site"}${mark.isCurrent ? " current" : ""}`;
  button.dataset["testid"] = isGroup ? "map-cluster" : "map-site";
  button.dataset["look"] = mark.look;
  if (isGroup) delete button.dataset["siteId"];
  else button.dataset["siteId"] = mark.siteId;
  button.ariaLabel = mark.label;
  button.title = mark.label;
  // Sites without alerts are many, and are found by their names; groups open, and alerts matter.
  button.tabIndex = isGroup || mark.look !== "quiet" ? 0 : -1;
  if (mark.isCurrent) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
  button.replaceChildren(...[part("sign", mark.sign), part("sites", mark.sites)].flat());
}

function part(kind: string, text: string): HTMLElement[] {
  if (text === "") return [];
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return [element];
}
