// Where something hangs, in the words of the people there.
import type { Place } from "../gen/sos/registry/v1/registry_pb";
import { plain } from "./plain";

/** Building, floor and room, as far as they are known. */
export function placeText(place: Place | undefined): string {
  const { building = "", floor = "", room = "" } = place ?? {};
  return [building, floor, room].map(plain).filter((part) => part !== "").join(" · ");
}
