// P6: a command is repeated under one name until it is answered, and what became of it is told.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { AlertState } from "../gen/sos/alert/v1/alert_pb";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { language } from "../i18n/lang.svelte";
import { anAlert } from "../testing/sample";
import type { Refusal } from "../wire/refusal";
import { desk, persist, told } from "./desk.svelte";
import { feed } from "./feed.svelte";
import { notices } from "./notices.svelte";
import { session } from "./session.svelte";

const down = new ConnectError("the log takes nothing", Code.Unavailable);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  language.current = "en";
  session.name = "daniyar";
  notices.all = [];
});

afterEach(() => {
  vi.useRealTimers();
});

/** A call that is not answered so many times, and then is. */
function answeredAfter(failures: number): { ids: string[]; call: (id: string) => Promise<string> } {
  const ids: string[] = [];
  const call = async (id: string): Promise<string> => {
    ids.push(id);
    if (ids.length <= failures) throw down;
    return "done";
  };
  return { ids, call };
}

test("P6: an unanswered command is repeated under the same request id", async () => {
  const { ids, call } = answeredAfter(3);
  const answer = persist(call);
  await vi.runAllTimersAsync();
  expect(await answer).toBe("done");
  expect(ids).toHaveLength(4);
  expect(new Set(ids).size).toBe(1);
});

test("P6: two commands have two request ids", async () => {
  const [one, other] = [answeredAfter(0), answeredAfter(0)];
  await Promise.all([persist(one.call), persist(other.call)]);
  expect(one.ids[0]).not.toBe(other.ids[0]);
});

test("what was refused is not repeated", async () => {
  const call = vi.fn().mockRejectedValue(new ConnectError("no", Code.FailedPrecondition));
  await expect(persist(call)).rejects.toThrow("no");
  expect(call).toHaveBeenCalledOnce();
});

test("after half a minute without an answer it is for the operator to say", async () => {
  const { ids, call } = answeredAfter(Infinity);
  const outcome = expect(persist(call)).rejects.toThrow("takes nothing");
  await vi.runAllTimersAsync();
  await outcome;
  expect(performance.now()).toBeGreaterThanOrEqual(30_000);
  expect(performance.now()).toBeLessThan(40_000);
  expect(ids.length).toBeGreaterThan(10);
});

test("while a command is under way, the alert takes no other", async () => {
  const alert = anAlert({ alertId: "busy" });
  let answer: (value: { alert: typeof alert }) => void = () => undefined;
  const first = desk.act(alert, "acknowledge", () => new Promise((resolve) => (answer = resolve)));
  expect(desk.busy("busy")).toBe("acknowledge");
  expect(await desk.act(alert, "escalate", async () => ({}))).toBe(false);
  answer({ alert: anAlert({ alertId: "busy", state: AlertState.ACKNOWLEDGED, owner: "daniyar", revision: 2n }) });
  expect(await first).toBe(true);
  expect([desk.busy("busy"), feed.get("busy")?.owner]).toEqual(["", "daniyar"]);
});

test("P6: the loser's screen names the winner", async () => {
  const metadata = { owner: "Әсел", acknowledged_at: "2026-03-01T08:15:02Z", state: "ALERT_STATE_ACKNOWLEDGED" };
  const value = create(ErrorInfoSchema, { reason: "ALERT_STATE", metadata });
  const lost = new ConnectError("taken", Code.FailedPrecondition, undefined, [{ desc: ErrorInfoSchema, value }]);
  expect(await desk.act(anAlert(), "acknowledge", () => Promise.reject(lost))).toBe(false);
  expect(notices.all).toMatchObject([{ tone: "bad", alertId: "alert-1" }]);
  expect(notices.all[0]?.text).toMatch(/^Әсел has it since .*\d\d:15:02\.$/);
});

test("P6: an unanswered command can be tried again, and keeps its name", async () => {
  const ids = new Set<string>();
  let isUp = false;
  const command = async ({ requestId }: { requestId: string }): Promise<object> => {
    ids.add(requestId);
    if (!isUp) throw down;
    return {};
  };
  const outcome = desk.act(anAlert({ alertId: "again" }), "note", command);
  await vi.runAllTimersAsync();
  expect(await outcome).toBe(false);
  isUp = true;
  notices.all[0]?.again?.();
  await vi.runAllTimersAsync();
  expect(ids.size).toBe(1);
  expect(desk.busy("again")).toBe("");
});

test("a session that ended in the middle of a command asks to sign in again", async () => {
  session.state = "in";
  const ended = new ConnectError("expired", Code.Unauthenticated);
  const renewed = vi.spyOn(session, "signIn").mockRejectedValue(ended);
  await desk.act(anAlert(), "acknowledge", () => Promise.reject(ended));
  await vi.waitFor(() => expect(session.state).toBe("expired"));
  expect(renewed).toHaveBeenCalledOnce();
});

test("a change of keys ends no session whose token is accepted again", async () => {
  session.state = "in";
  const renewed = vi.spyOn(session, "signIn").mockResolvedValue();
  await session.expire();
  expect([renewed.mock.calls.length, session.state]).toEqual([1, "in"]);
});

test("P6: the same content again, while nobody knows what became of it, is the same command", async () => {
  session.state = "in";
  vi.spyOn(session, "signIn").mockResolvedValue();
  const ids: string[] = [];
  const refused = new ConnectError("expired", Code.Unauthenticated);
  const note = (content: string, answer: Promise<object>) =>
    desk.act(anAlert(), "note", ({ requestId }) => {
      ids.push(requestId);
      return answer;
    }, content);
  await note("one", Promise.reject(refused));
  await note("two", Promise.resolve({}));
  await note("one", Promise.resolve({}));
  await note("one", Promise.resolve({}));
  expect(ids[2]).toBe(ids[0]);
  expect(new Set(ids).size).toBe(3);
});

test.each<[string, Refusal, string]>([
  ["one's own", lostTo("daniyar", "ALERT_STATE_ACKNOWLEDGED"), "Not possible now: as it is"],
  ["a closed one", lostTo("asel", "ALERT_STATE_RESOLVED"), "Not possible now: as it is"],
  ["nobody's", lostTo("", "ALERT_STATE_RAISED"), "Not possible now: as it is"],
  ["a wrong field", { kind: "invalid", fields: [], message: "note: too long" }, "Not done: note: too long"],
  ["no right", { kind: "forbidden", message: "" }, "Your role does not allow this."],
  ["no answer", { kind: "unanswered", message: "" }, "No answer from the server. Whether it took effect is not known."],
])("of %s is told what is so", (_, refusal, text) => {
  expect(told(refusal)).toBe(text);
});

function lostTo(owner: string, state: string): Refusal {
  return { kind: "lost", owner, state, since: "2026-03-01T08:15:02Z", message: "as it is" };
}
