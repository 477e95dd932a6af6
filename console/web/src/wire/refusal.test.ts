// Refusals of the operator contract, as they come over the wire, and what is made of them.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";

import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";
import { refusalOf } from "./refusal";

function refused(code: Code, reason?: string, metadata: Record<string, string> = {}): ConnectError {
  const details = reason === undefined ? [] : [{ desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason, domain: "sos", metadata }) }];
  return new ConnectError("as the server says it", code, undefined, details);
}

test("P6: who lost the race is told who won, and since when", () => {
  const metadata = { owner: "asel", acknowledged_at: "2026-03-01T08:15:02Z", state: "ALERT_STATE_ACKNOWLEDGED" };
  expect(refusalOf(refused(Code.FailedPrecondition, "ALERT_STATE", metadata))).toEqual({
    kind: "lost", owner: "asel", since: "2026-03-01T08:15:02Z", state: "ALERT_STATE_ACKNOWLEDGED", message: "as the server says it",
  });
});

test("a state without an owner is told without one", () => {
  expect(refusalOf(refused(Code.FailedPrecondition, "ALERT_STATE", { state: "ALERT_STATE_RESOLVED" }))).toMatchObject({ kind: "lost", owner: "", since: "", state: "ALERT_STATE_RESOLVED" });
});

test("fields that are wrong are named", () => {
  const value = create(BadRequestSchema, { fieldViolations: [{ field: "note", description: "too long" }, { field: "until", description: "past" }] });
  const error = new ConnectError("invalid", Code.InvalidArgument, undefined, [{ desc: BadRequestSchema, value }]);
  expect(refusalOf(error)).toEqual({
    kind: "invalid", message: "invalid",
    fields: [{ field: "note", description: "too long" }, { field: "until", description: "past" }],
  });
  expect(refusalOf(refused(Code.InvalidArgument))).toMatchObject({ kind: "invalid", fields: [] });
});

describe("of the other codes", () => {
  test.each([
    ["an old revision", refused(Code.Aborted, "REVISION_MISMATCH", { revision: "4" }), "changed"],
    ["too many at once", refused(Code.Aborted, "CONTENDED"), "failed"],
    ["a precondition without details", refused(Code.FailedPrecondition), "failed"],
    ["no right", refused(Code.PermissionDenied), "forbidden"],
    ["no token", refused(Code.Unauthenticated), "signedOut"],
    ["no such alert", refused(Code.NotFound), "failed"],
    ["a log that takes nothing", refused(Code.Unavailable), "unanswered"],
    ["a deadline", refused(Code.DeadlineExceeded), "unanswered"],
    ["a limit", refused(Code.ResourceExhausted), "unanswered"],
    ["a connection cut in the middle", new TypeError("Failed to fetch"), "unanswered"],
    ["something that is no error", "nonsense", "unanswered"],
  ])("%s", (_, error, kind) => {
    expect(refusalOf(error).kind).toBe(kind);
  });
});
