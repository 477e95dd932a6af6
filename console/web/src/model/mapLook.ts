// How a point of the map looks: by the most urgent of its alerts, told apart by shape and text, not by colour alone. Pure.
import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import { compareUrgency, isActual, isPress, isRaised, rings } from "./alert";
import type { Standing } from "./mapPlaces";

/**
 * `alarm`: a press that nobody took. `taken`: a press in somebody's hands. `technical`: something does not work.
 * `handled`: the same, taken or put aside. `drill`: exercise or test. `quiet`: no alert at all.
 */
export type Look = "alarm" | "taken" | "technical" | "handled" | "drill" | "quiet";

/** Markers grow up to this level of escalation. */
const LEVEL_MAX = 3;

/** What a point or a group of points holds. */
export interface Tally {
  readonly look: Look;
  /** How far the most urgent alert has escalated, 0 to 3. */
  readonly level: number;
  readonly open: number;
  readonly ringing: number;
  /** The most urgent alert. */
  readonly worst: Alert | undefined;
}

const QUIET: Tally = { look: "quiet", level: 0, open: 0, ringing: 0, worst: undefined };

export function lookOf(alert: Alert): Look {
  if (!isActual(alert)) return "drill";
  if (isPress(alert)) return isRaised(alert) ? "alarm" : "taken";
  return rings(alert) ? "technical" : "handled";
}

/** The more urgent of two: a press that nobody took comes before everything else. */
function compare(one: Alert, other: Alert): number {
  return Number(lookOf(other) === "alarm") - Number(lookOf(one) === "alarm") || compareUrgency(one, other);
}

/** Counts the alerts of some places. */
export function tally(standings: Iterable<Standing | undefined>): Tally {
  let [open, ringing] = [0, 0];
  let worst: Alert | undefined;
  for (const standing of standings) {
    for (const alert of standing?.alerts ?? []) {
      open += 1;
      if (rings(alert)) ringing += 1;
      if (worst === undefined || compare(alert, worst) < 0) worst = alert;
    }
  }
  if (worst === undefined) return QUIET;
  return { look: lookOf(worst), level: Math.min(worst.escalationLevel, LEVEL_MAX), open, ringing, worst };
}

/** What stands on the marker: `!` and how many ring, of how many; a letter for what is no emergency. */
export function signOf({ look, open, ringing }: Tally, drillLetter: string): string {
  if (look === "quiet") return "";
  if (ringing > 0) return open > ringing ? `!${ringing}/${open}` : `!${ringing}`;
  return look === "drill" ? `${drillLetter}${open > 1 ? open : ""}` : String(open);
}
