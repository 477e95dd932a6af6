// Every value of every enum has a word in each language.
import type { DescEnum } from "@bufbuild/protobuf";
import { afterEach, expect, test } from "vitest";

import { AlertKindSchema, AlertPrioritySchema, AlertStateSchema, AlertStatusSchema } from "../gen/sos/alert/v1/alert_pb";
import { CallPhaseSchema, CategorySchema, FaultKindSchema, IndicatorSchema } from "../gen/sos/device/v1/device_pb";
import { DispositionSchema, EventFlagSchema, ResponseStatusSchema } from "../gen/sos/event/v1/event_pb";
import { DeviceConditionSchema, SiteKindSchema, SupervisionClassSchema, WindowKindSchema } from "../gen/sos/registry/v1/registry_pb";
import { LANGS, language, type Lang } from "./lang.svelte";
import * as terms from "./terms";

const TABLES: Readonly<Record<keyof typeof terms, DescEnum>> = {
  stateName: AlertStateSchema, kindName: AlertKindSchema, statusName: AlertStatusSchema, priorityName: AlertPrioritySchema,
  categoryName: CategorySchema, dispositionName: DispositionSchema, responseName: ResponseStatusSchema, callPhaseName: CallPhaseSchema,
  indicatorName: IndicatorSchema, faultName: FaultKindSchema, conditionName: DeviceConditionSchema, siteKindName: SiteKindSchema,
  classRule: SupervisionClassSchema, windowName: WindowKindSchema, flagName: EventFlagSchema,
};

afterEach(() => {
  language.current = "en";
});

test.each(Object.entries(TABLES) as [keyof typeof terms, DescEnum][])("%s", (name, { values }) => {
  for (const lang of Object.keys(LANGS) as Lang[]) {
    language.current = lang;
    const said = values.map(({ number }) => (terms[name] as (value: number) => string)(number));
    expect(said.every((text, index) => text.trim() !== "" && text !== String(values[index]?.number)), `${lang}: ${said.join(", ")}`).toBe(true);
    // Two values that are called the same could not be told apart.
    expect(new Set(said).size, `${lang}: ${said.join(", ")}`).toBe(said.length);
  }
});

test("a value that is newer than this page is shown as its number", () => {
  expect((terms.stateName as (value: number) => string)(99)).toBe("99");
});
