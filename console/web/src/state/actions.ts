// The steps of handling an alert: which are possible, and how each is commanded. One table for buttons and keys.
import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import { AlertKind, AlertState, AlertStatus } from "../gen/sos/alert/v1/alert_pb";
import { isOpen } from "../model/alert";
import { session } from "./session.svelte";

export type Verb =
  | "acknowledge" | "dispatch" | "note" | "escalate" | "transfer" | "resolve" | "reopen" | "actual" | "shelve" | "unshelve";

interface Step {
  readonly verb: Verb;
  /** The key that does it. */
  readonly key: string;
  readonly method: `AlertService/${string}`;
  /** Whether it is possible where the alert stands. */
  readonly fits: (alert: Alert, isMine: boolean) => boolean;
}

const isTaken = (alert: Alert): boolean => alert.state === AlertState.ACKNOWLEDGED;

/** In the order in which they are offered. */
export const STEPS: readonly Step[] = [
  { verb: "acknowledge", key: "a", method: "AlertService/AcknowledgeAlert", fits: (alert) => alert.state === AlertState.RAISED },
  { verb: "dispatch", key: "d", method: "AlertService/DispatchUnit", fits: (alert, isMine) => isTaken(alert) && isMine },
  { verb: "note", key: "n", method: "AlertService/AddNote", fits: () => true },
  { verb: "escalate", key: "e", method: "AlertService/EscalateAlert", fits: isOpen },
  { verb: "transfer", key: "t", method: "AlertService/TransferAlert", fits: (alert, isMine) => isTaken(alert) && isMine },
  { verb: "resolve", key: "r", method: "AlertService/ResolveAlert", fits: (alert, isMine) => isTaken(alert) && isMine },
  { verb: "reopen", key: "o", method: "AlertService/ReopenAlert", fits: (alert) => !isOpen(alert) },
  { verb: "actual", key: "", method: "AlertService/DeclareActual", fits: (alert) => isOpen(alert) && alert.status !== AlertStatus.ACTUAL },
  {
    verb: "shelve", key: "", method: "AlertService/ShelveAlert",
    fits: (alert) => isOpen(alert) && alert.kind === AlertKind.TECHNICAL && alert.shelving === undefined,
  },
  { verb: "unshelve", key: "", method: "AlertService/UnshelveAlert", fits: (alert) => alert.shelving !== undefined },
];

/** What the operator can do with an alert. What the role lacks is absent. */
export function stepsFor(alert: Alert): readonly Step[] {
  const isMine = alert.owner !== "" && alert.owner === session.name;
  return STEPS.filter((step) => session.may(step.method) && step.fits(alert, isMine));
}
