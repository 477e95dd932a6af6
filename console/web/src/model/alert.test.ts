// The order of the list is the documented one, and the lamp shows what the contract says.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";

import { AlertKind, AlertPriority, AlertState, AlertStatus, ShelvingSchema, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { Indicator } from "../gen/sos/device/v1/device_pb";
import { ResponseStatus } from "../gen/sos/event/v1/event_pb";
import { PlaceSchema } from "../gen/sos/registry/v1/registry_pb";
import { anAlert, chance, NOON_MS, type Chance } from "../testing/sample";
import { compareNewest, compareUrgency, isBusy, lamp, placeName, rings, siteName } from "./alert";

const shelving = create(ShelvingSchema, { reason: "repair" });

/** docs/protocol.md, "What an operator's list looks like": each rule as a number, the smaller first. */
const RULES: readonly ((alert: Alert) => number)[] = [
  (alert) => (alert.status === AlertStatus.ACTUAL ? 0 : 1),
  (alert) => (alert.shelving ? 1 : 0),
  (alert) => -alert.priority,
  (alert) => (alert.owner === "" ? 0 : 1),
  (alert) => -alert.escalationLevel,
  (alert) => (alert.attention ? 0 : 1),
  (alert) => (alert.receivedAt ? timestampMs(alert.receivedAt) : 0),
];

function documented(one: Alert, other: Alert): number {
  for (const rule of RULES) {
    const difference = rule(one) - rule(other);
    if (difference !== 0) return difference;
  }
  return one.alertId < other.alertId ? -1 : 1;
}

function arbitrary(luck: Chance, number: number): Alert {
  const isTaken = luck.below(2) === 0;
  return anAlert({
    alertId: `alert-${number}`,
    state: isTaken ? AlertState.ACKNOWLEDGED : AlertState.RAISED,
    owner: isTaken ? "asel" : "",
    status: luck.pick([AlertStatus.ACTUAL, AlertStatus.EXERCISE, AlertStatus.TEST]),
    ...(luck.below(3) === 0 ? { shelving } : {}),
    priority: luck.pick([AlertPriority.LOW, AlertPriority.MEDIUM, AlertPriority.HIGH, AlertPriority.CRITICAL]),
    escalationLevel: luck.below(3),
    attention: luck.below(2) === 0,
    receivedAt: timestampFromMs(NOON_MS + luck.below(3) * 1_000),
  });
}

test("the list is in the documented order, whatever is in it", () => {
  const luck = chance("order of the list");
  const alerts = Array.from({ length: 2_000 }, (_, number) => arbitrary(luck, number));
  const ids = (list: readonly Alert[]): string[] => list.map((alert) => alert.alertId);
  expect(ids([...alerts].sort(compareUrgency)), `SOS_SEED=${luck.seed}`).toEqual(ids([...alerts].sort(documented)));
});

test.each([
  ["in earnest before exercises", { status: AlertStatus.EXERCISE, priority: AlertPriority.CRITICAL }, { priority: AlertPriority.LOW }],
  ["not shelved before shelved", { shelving, priority: AlertPriority.CRITICAL }, { priority: AlertPriority.LOW }],
  ["the higher priority", { priority: AlertPriority.HIGH }, { priority: AlertPriority.CRITICAL, state: AlertState.ACKNOWLEDGED, owner: "asel" }],
  ["nobody's before somebody's", { state: AlertState.ACKNOWLEDGED, owner: "asel", escalationLevel: 2 }, {}],
  ["the higher escalation", { attention: true }, { escalationLevel: 1 }],
  ["what asks for attention", {}, { attention: true, receivedAt: timestampFromMs(NOON_MS + 1_000) }],
  ["the oldest", { receivedAt: timestampFromMs(NOON_MS + 1) }, {}],
])("%s first", (_, later, first) => {
  expect(compareUrgency(anAlert(later), anAlert(first))).toBeGreaterThan(0);
  expect(compareUrgency(anAlert(first), anAlert(later))).toBeLessThan(0);
});

test("the newest change is first where the newest are asked for", () => {
  const sorted = [anAlert({ position: 5n }), anAlert({ position: 9_007_199_254_740_993n }), anAlert({ position: 7n })].sort(compareNewest);
  expect(sorted.map((alert) => alert.position)).toEqual([9_007_199_254_740_993n, 7n, 5n]);
});

describe("what rings", () => {
  test.each([
    ["a new alert in earnest", {}, true],
    ["one that somebody has", { state: AlertState.ACKNOWLEDGED }, false],
    ["one of an exercise", { status: AlertStatus.EXERCISE }, false],
    ["one that is put aside", { shelving }, false],
    ["a technical one", { kind: AlertKind.TECHNICAL }, true],
  ])("%s", (_, given, expected) => {
    expect(rings(anAlert(given))).toBe(expected);
  });
});

describe("the lamp", () => {
  const taken = { state: AlertState.ACKNOWLEDGED, owner: "asel" };
  const unit = (status: ResponseStatus) => ({ unitId: `unit-${status}`, status });
  const { DISPATCHED, EN_ROUTE, ON_SCENE, CLEARED, WITHDRAWN } = ResponseStatus;

  test.each([
    ["nobody has it", {}, Indicator.RECEIVED],
    ["somebody has it", taken, Indicator.ACKNOWLEDGED],
    ["a unit was sent", { ...taken, responses: [unit(DISPATCHED)] }, Indicator.HELP_COMING],
    ["the nearest counts", { ...taken, responses: [unit(ON_SCENE), unit(EN_ROUTE)] }, Indicator.HELP_ON_SCENE],
    ["who is done counts no more", { ...taken, responses: [unit(CLEARED), unit(EN_ROUTE)] }, Indicator.HELP_COMING],
    ["all are done", { ...taken, responses: [unit(CLEARED), unit(WITHDRAWN)] }, Indicator.ACKNOWLEDGED],
    ["a silent press", { silent: true }, Indicator.IDLE],
    ["it is closed", { state: AlertState.RESOLVED }, Indicator.IDLE],
    ["nobody pressed", { kind: AlertKind.TECHNICAL }, Indicator.IDLE],
  ])("%s", (_, given, expected) => {
    expect(lamp(anAlert(given))).toBe(expected);
  });

  test("a unit is busy until it is cleared or called back", () => {
    expect([DISPATCHED, EN_ROUTE, ON_SCENE, CLEARED, WITHDRAWN].map(isBusy)).toEqual([true, true, true, false, false]);
  });
});

test("a place has the words of the registry, and its ids where nobody registered it", () => {
  expect([siteName(anAlert()), placeName(anAlert())]).toEqual(["school-12", "hall-1"]);
  const place = create(PlaceSchema, { building: "Б корпусы", room: "Спортзал" });
  const known = anAlert({ siteName: "№ 12 мектеп", place });
  expect([siteName(known), placeName(known)]).toEqual(["№ 12 мектеп", "Б корпусы · Спортзал"]);
});
