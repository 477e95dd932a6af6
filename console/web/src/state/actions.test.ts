// The steps that are offered are those of the contract's table, for who may take them.
import { create } from "@bufbuild/protobuf";
import { beforeEach, expect, test, vi } from "vitest";

import { AlertKind, AlertState, AlertStatus, ShelvingSchema, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { AlertService } from "../gen/sos/alert/v1/alert_service_pb";
import { anAlert } from "../testing/sample";
import { STEPS, stepsFor } from "./actions";
import { session } from "./session.svelte";

let allowed: (method: string) => boolean;

beforeEach(() => {
  allowed = () => true;
  vi.spyOn(session, "may").mockImplementation((method) => allowed(method));
  session.name = "asel";
});

const offered = (alert: Alert): string[] => stepsFor(alert).map((step) => step.verb);
const mine = { state: AlertState.ACKNOWLEDGED, owner: "asel" };

test.each([
  ["a new one", {}, ["acknowledge", "note", "escalate"]],
  ["one's own", mine, ["dispatch", "note", "escalate", "transfer", "resolve"]],
  ["another's", { ...mine, owner: "daniyar" }, ["note", "escalate"]],
  ["a closed one", { state: AlertState.RESOLVED, owner: "asel" }, ["note", "reopen"]],
  ["one of an exercise", { status: AlertStatus.EXERCISE }, ["acknowledge", "note", "escalate", "actual"]],
  ["a technical one", { kind: AlertKind.TECHNICAL }, ["acknowledge", "note", "escalate", "shelve"]],
  ["a shelved one", { kind: AlertKind.TECHNICAL, shelving: create(ShelvingSchema) }, ["acknowledge", "note", "escalate", "unshelve"]],
])("with %s", (_, given, expected) => {
  expect(offered(anAlert(given))).toEqual(expected);
});

test("what the role may not is absent", () => {
  allowed = (method) => method === "AlertService/AddNote";
  expect(offered(anAlert())).toEqual(["note"]);
  allowed = () => false;
  expect(offered(anAlert(mine))).toEqual([]);
});

test("every step is a method of the contract, and no two have one key", () => {
  const methods = AlertService.methods.map((method) => `AlertService/${method.name}`);
  expect(STEPS.filter((step) => !methods.includes(step.method))).toEqual([]);
  const keys = STEPS.map((step) => step.key).filter((key) => key !== "");
  expect(new Set(keys).size).toBe(keys.length);
});
