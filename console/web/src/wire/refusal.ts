// What a server answered instead of an answer: parsed once, into what an operator must be told.
import { Code, ConnectError } from "@connectrpc/connect";

import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb";

/** Why something was not done. */
export type Refusal =
  /** Somebody else has it, or was first (P6). */
  | { readonly kind: "lost"; readonly owner: string; readonly since: string; readonly state: string; readonly message: string }
  /** It changed since the operator looked. */
  | { readonly kind: "changed"; readonly message: string }
  /** Fields are not as they must be. */
  | { readonly kind: "invalid"; readonly fields: readonly { field: string; description: string }[]; readonly message: string }
  /** The session is over. */
  | { readonly kind: "signedOut"; readonly message: string }
  /** The role does not allow it. */
  | { readonly kind: "forbidden"; readonly message: string }
  /** Nobody knows whether it took effect: ask again with the same request id. */
  | { readonly kind: "unanswered"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

const UNANSWERED: readonly Code[] = [
  Code.Unavailable, Code.DeadlineExceeded, Code.Unknown, Code.Canceled, Code.ResourceExhausted, Code.Internal,
];

/** Understands an error of a call. */
export function refusalOf(error: unknown): Refusal {
  const failure = ConnectError.from(error);
  const message = failure.rawMessage;
  const info = failure.findDetails(ErrorInfoSchema)[0];
  switch (failure.code) {
    case Code.Unauthenticated:
      return { kind: "signedOut", message };
    case Code.PermissionDenied:
      return { kind: "forbidden", message };
    case Code.InvalidArgument: {
      const violations = failure.findDetails(BadRequestSchema).flatMap((request) => request.fieldViolations);
      return { kind: "invalid", fields: violations.map(({ field, description }) => ({ field, description })), message };
    }
    case Code.FailedPrecondition:
    case Code.Aborted: {
      if (info === undefined || info.reason === "CONTENDED") return { kind: "failed", message };
      if (info.reason === "REVISION_MISMATCH") return { kind: "changed", message };
      const { owner = "", acknowledged_at: since = "", state = "" } = info.metadata;
      return { kind: "lost", owner, since, state, message };
    }
    default:
      return { kind: UNANSWERED.includes(failure.code) ? "unanswered" : "failed", message };
  }
}
