// What was typed into the form of a step and not sent: it is there again when the form is.
import type { Verb } from "./actions";
import { Disposition } from "../gen/sos/event/v1/event_pb";

export interface Draft {
  readonly name: string;
  readonly text: string;
  readonly disposition: Disposition;
}

/** More are forgotten, the oldest first. */
const DRAFTS_MAX = 50;

const EMPTY: Draft = { name: "", text: "", disposition: Disposition.UNSPECIFIED };
const all = new Map<string, Draft>();

export const drafts = {
  of: (alertId: string, verb: Verb): Draft => all.get(`${verb} ${alertId}`) ?? EMPTY,

  keep(alertId: string, verb: Verb, draft: Draft): void {
    const key = `${verb} ${alertId}`;
    all.delete(key);
    if (draft.name === "" && draft.text === "" && draft.disposition === Disposition.UNSPECIFIED) return;
    all.set(key, draft);
    const [oldest] = all.keys();
    if (all.size > DRAFTS_MAX && oldest !== undefined) all.delete(oldest);
  },
};
