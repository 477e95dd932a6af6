// What stands on a marker, and which shape it has.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";

import { AlertKind, AlertState, AlertStatus, ShelvingSchema, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { anAlert } from "../testing/sample";
import { lookOf, signOf, tally } from "./mapLook";
import type { Standing } from "./mapPlaces";

const TAKEN = { state: AlertState.ACKNOWLEDGED, owner: "aida" };
const TECHNICAL = { kind: AlertKind.TECHNICAL };
const DRILL = { status: AlertStatus.EXERCISE };

function standing(...alerts: readonly Alert[]): Standing {
  return { place: { key: "a", siteId: "a", name: "A", lat: 1, lng: 1 }, alerts };
}

test.each([
  ["alarm", {}],
  ["taken", TAKEN],
  ["technical", TECHNICAL],
  ["handled", { ...TECHNICAL, ...TAKEN }],
  ["handled", { ...TECHNICAL, shelving: create(ShelvingSchema) }],
  ["drill", DRILL],
  ["drill", { ...DRILL, ...TAKEN }],
] as const)("%s: %o", (look, given) => {
  expect(lookOf(anAlert(given))).toBe(look);
});

test.each([
  ["one press", [{}], "alarm", "!1"],
  ["two of them", [{}, {}], "alarm", "!2"],
  ["a press that rings behind one that is more urgent and taken", [{ ...TAKEN, priority: 4 }, { priority: 1 }], "alarm", "!1/2"],
  ["taken", [TAKEN, TAKEN], "taken", "2"],
  ["technical", [TECHNICAL], "technical", "!1"],
  ["an exercise", [DRILL], "drill", "E"],
  ["two exercises", [DRILL, DRILL], "drill", "E2"],
  ["an exercise beside a press that is taken", [TAKEN, DRILL], "taken", "2"],
  ["nothing", [], "quiet", ""],
] as const)("%s", (_, given, look, sign) => {
  const sum = tally([standing(...given.map((each) => anAlert(each)))]);
  expect([sum.look, signOf(sum, "E")]).toEqual([look, sign]);
});

test("several places add up, and the most urgent of all gives shape and size", () => {
  const sum = tally([standing(anAlert(TAKEN)), undefined, standing(anAlert({ escalationLevel: 2 }), anAlert(TECHNICAL))]);
  expect(sum).toMatchObject({ look: "alarm", level: 2, open: 3, ringing: 2 });
});

test("a marker stops growing", () => {
  expect(tally([standing(anAlert({ escalationLevel: 40 }))]).level).toBe(3);
});
