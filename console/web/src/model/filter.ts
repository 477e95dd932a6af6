// Which alerts a view of the list shows. Pure; what it is made of stands in the address.
import { AlertKind, AlertState, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { isActual, isOpen } from "./alert";
import { holds, searchable, wordsOf } from "./search";

export const KINDS = ["all", "press", "technical"] as const;
export const STATES = ["open", "new", "taken", "mine", "drill", "closed"] as const;

export interface Filter {
  readonly state: (typeof STATES)[number];
  readonly kind: (typeof KINDS)[number];
  /** Words that all have to be found. */
  readonly text: string;
  /** Only of this incident; empty for all. */
  readonly incident: string;
}

/** Reads a filter from parameters of the address; what they do not say is as broad as can be. */
export function filterOf(param: (name: string) => string): Filter {
  return {
    state: STATES.find((known) => known === param("state")) ?? "open",
    kind: KINDS.find((known) => known === param("kind")) ?? "all",
    text: param("q"),
    incident: param("incident"),
  };
}

/** Everything of an alert that can be searched for, in small letters. */
function searched(alert: Alert): string {
  const { building = "", floor = "", room = "" } = alert.place ?? {};
  const units = alert.responses.map((response) => response.unitId);
  return searchable([
    alert.alertId, alert.siteId, alert.siteName, alert.region, alert.deviceId, building, floor, room, alert.owner, alert.note, ...units,
  ]);
}

function fitsState(alert: Alert, state: Filter["state"], me: string): boolean {
  switch (state) {
    case "open": return isOpen(alert);
    case "new": return alert.state === AlertState.RAISED;
    case "taken": return alert.state === AlertState.ACKNOWLEDGED;
    case "mine": return isOpen(alert) && alert.owner === me;
    case "drill": return isOpen(alert) && !isActual(alert);
    case "closed": return !isOpen(alert);
  }
}

/** The alerts that a filter lets through, in their order. */
export function pick(alerts: readonly Alert[], filter: Filter, me: string): readonly Alert[] {
  const sought = wordsOf(filter.text);
  return alerts.filter((alert) => {
    if (!fitsState(alert, filter.state, me)) return false;
    if (filter.kind !== "all" && (alert.kind === AlertKind.PRESS) !== (filter.kind === "press")) return false;
    if (filter.incident !== "" && alert.incidentId !== filter.incident) return false;
    return sought.length === 0 || holds(searched(alert), sought);
  });
}
