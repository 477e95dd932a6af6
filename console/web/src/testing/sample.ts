// Alerts for tests, and chance that can be repeated.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

import { AlertKind, AlertPriority, AlertSchema, AlertState, AlertStatus, type Alert } from "../gen/sos/alert/v1/alert_pb";

/** 2026-03-01, 08:15:00 UTC. */
export const NOON_MS = Date.UTC(2026, 2, 1, 8, 15);

/** A press in earnest that nobody has taken, with what is given. */
export function anAlert(given: MessageInitShape<typeof AlertSchema> = {}): Alert {
  return create(AlertSchema, {
    alertId: "alert-1", state: AlertState.RAISED, kind: AlertKind.PRESS, status: AlertStatus.ACTUAL, priority: AlertPriority.HIGH,
    siteId: "school-12", deviceId: "hall-1", receivedAt: timestampFromMs(NOON_MS), pressCount: 1n, revision: 1n, position: 1n,
    ...given,
  });
}

/** Chance of a test. */
export interface Chance {
  readonly seed: number;
  /** A whole number from 0, below `limit`. */
  below(limit: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
}

/** Chance that grows from SOS_SEED, or from one of its own, which is printed: so that a failure can be repeated. */
export function chance(what: string): Chance {
  const seed = Number(process.env["SOS_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${what}: SOS_SEED=${seed}`);
  let state = seed;
  // The generator mulberry32.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const below = (limit: number): number => next() % limit;
  return { seed, below, pick: (choices) => choices[below(choices.length)] ?? choices[0] };
}
