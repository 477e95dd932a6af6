// What follows from an alert alone: where it stands in the list, and what must be said of it. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import { AlertKind, AlertState, AlertStatus, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { Indicator } from "../gen/sos/device/v1/device_pb";
import { ResponseStatus } from "../gen/sos/event/v1/event_pb";
import { placeText } from "./place";
import { plain } from "./plain";

export function isOpen(alert: Alert): boolean {
  return alert.state !== AlertState.RESOLVED;
}

export function isRaised(alert: Alert): boolean {
  return alert.state === AlertState.RAISED;
}

export function isActual(alert: Alert): boolean {
  return alert.status === AlertStatus.ACTUAL;
}

/** Whether it calls for somebody now: in earnest, taken by nobody, not put aside. */
export function rings(alert: Alert): boolean {
  return isRaised(alert) && isActual(alert) && alert.shelving === undefined;
}

/** Whether somebody pressed for it; a technical alert tells of itself more quietly. */
export function isPress(alert: Alert): boolean {
  return alert.kind === AlertKind.PRESS;
}

function openedAt(alert: Alert): number {
  return alert.receivedAt === undefined ? 0 : timestampMs(alert.receivedAt);
}

/** The order of the operator's list (docs/protocol.md): the most urgent first, of equals the oldest. */
export function compareUrgency(one: Alert, other: Alert): number {
  return (
    Number(!isActual(one)) - Number(!isActual(other)) ||
    Number(one.shelving !== undefined) - Number(other.shelving !== undefined) ||
    other.priority - one.priority ||
    Number(!isRaised(one)) - Number(!isRaised(other)) ||
    other.escalationLevel - one.escalationLevel ||
    Number(other.attention) - Number(one.attention) ||
    openedAt(one) - openedAt(other) ||
    (one.alertId < other.alertId ? -1 : Number(one.alertId > other.alertId))
  );
}

/** The newest change first. */
export function compareNewest(one: Alert, other: Alert): number {
  return Number(other.position - one.position) || (one.alertId < other.alertId ? 1 : -1);
}

const DONE: readonly ResponseStatus[] = [ResponseStatus.CLEARED, ResponseStatus.WITHDRAWN];

/** Whether a unit is on its way or at work. */
export function isBusy(status: ResponseStatus): boolean {
  return !DONE.includes(status);
}

/** What the lamp at the button shows of this alert: the nearest of all units counts. */
export function lamp(alert: Alert): Indicator {
  if (alert.silent || !isPress(alert) || !isOpen(alert)) return Indicator.IDLE;
  const busy = alert.responses.map((response) => response.status).filter(isBusy);
  if (busy.includes(ResponseStatus.ON_SCENE)) return Indicator.HELP_ON_SCENE;
  if (busy.length > 0) return Indicator.HELP_COMING;
  return isRaised(alert) ? Indicator.RECEIVED : Indicator.ACKNOWLEDGED;
}

/** The site as people call it, or its id where nobody registered it. */
export function siteName(alert: Alert): string {
  return plain(alert.siteName) || alert.siteId;
}

/** Where in the site: building, floor, room, as far as they are known; else the call point's id. */
export function placeName(alert: Alert): string {
  return placeText(alert.place) || alert.deviceId;
}
