// Commands of the registry: what is wrong is said at its field, and one that nobody answered is the same when it is said again.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { BadRequestSchema } from "../gen/google/rpc/error_details_pb";
import { SiteSchema, WindowKind } from "../gen/sos/registry/v1/registry_pb";
import type { Clients } from "../wire/clients";
import { sites } from "./sites.svelte";
import { notices } from "./notices.svelte";
import { registry } from "./registry.svelte";
import { session } from "./session.svelte";
import { time } from "./time.svelte";

const site = create(SiteSchema, { siteId: "school-12", name: "Мектеп" });
const calls = { putSite: vi.fn(), startWindow: vi.fn(), endWindow: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  for (const call of Object.values(calls)) call.mockReset();
  vi.spyOn(session, "clients", "get").mockReturnValue({ registry: calls } as unknown as Clients);
  notices.all = [];
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("what is registered is known at once, and keeps the exercise it is in", async () => {
  sites.learn({ ...site, window: { $typeName: "sos.registry.v1.Window", kind: WindowKind.TEST, reason: "r", author: "a" } });
  calls.putSite.mockResolvedValue({ site: { ...site, name: "Мектеп №12" } });
  expect(await registry.putSite(site)).toEqual({ done: true });
  expect(sites.get("school-12")).toMatchObject({ name: "Мектеп №12", window: { kind: WindowKind.TEST } });
});

test("what the server has against a field is said there, everything else as a notice", async () => {
  const value = { fieldViolations: [{ field: "site.name", description: "is too long" }] };
  calls.putSite.mockRejectedValueOnce(new ConnectError("x", Code.InvalidArgument, undefined, [{ desc: BadRequestSchema, value }]));
  expect(await registry.putSite(site)).toMatchObject({ done: false, fields: [{ field: "site.name", description: "is too long" }] });
  expect(notices.all).toEqual([]);
  calls.putSite.mockRejectedValueOnce(new ConnectError("x", Code.PermissionDenied));
  expect(await registry.putSite(site)).toEqual({ done: false, fields: [] });
  expect(notices.all).toHaveLength(1);
});

test("P6: a command that nobody answered is the same request when it is said again, and another one is not", async () => {
  calls.putSite.mockRejectedValue(new ConnectError("down", Code.Unavailable));
  const unanswered = registry.putSite(site);
  await vi.runAllTimersAsync();
  await unanswered;
  calls.putSite.mockResolvedValue({});
  await registry.putSite(site);
  await registry.putSite(site);
  const ids = calls.putSite.mock.calls.map(([request]) => (request as { requestId: string }).requestId);
  expect(new Set(ids.slice(0, -1)).size).toBe(1);
  expect(ids.at(-1)).not.toBe(ids[0]);
});

test("an exercise lasts for what was chosen by the server's clock, and no longer than the server allows", async () => {
  const now = Date.UTC(2026, 2, 1);
  time.heard(now);
  time.now = now;
  calls.startWindow.mockResolvedValue({});
  await registry.startWindow({ siteId: "school-12", deviceId: "" }, WindowKind.EXERCISE, "r", 3_600_000);
  await registry.startWindow({ siteId: "school-12", deviceId: "" }, WindowKind.EXERCISE, "r", 24 * 3_600_000);
  const ends = calls.startWindow.mock.calls.map(([request]) => Number((request as { endsAt: { seconds: bigint } }).endsAt.seconds) * 1_000 - now);
  expect(ends).toEqual([3_600_000, 24 * 3_600_000 - 5_000]);
});

test("an exercise that was ended is gone from its site", async () => {
  sites.learn({ ...site, window: { $typeName: "sos.registry.v1.Window", kind: WindowKind.TEST, reason: "r", author: "a" } });
  calls.endWindow.mockResolvedValue({});
  await registry.endWindow({ siteId: "school-12", deviceId: "" }, "done");
  expect(sites.get("school-12")?.window).toBeUndefined();
});
