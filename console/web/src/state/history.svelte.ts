// What happened to one alert: asked for anew whenever the alert has changed.
import { Code, ConnectError } from "@connectrpc/connect";
import { untrack } from "svelte";

import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import type { RecordedEvent } from "../gen/sos/event/v1/event_pb";
import { refusalOf } from "../wire/refusal";
import { toldUnread } from "./desk.svelte";
import { feed } from "./feed.svelte";
import { session } from "./session.svelte";

/** An alert that changes all the time is asked for so often at most, in milliseconds. */
const PACE_MS = 1_000;

export interface History {
  readonly alert: Alert | undefined;
  readonly events: readonly RecordedEvent[];
  readonly isMissing: boolean;
  /** Why it could not be had; empty if it could. */
  readonly trouble: string;
  readonly retry: () => void;
}

/** The history of an alert, for as long as the part that asks for it is shown. */
export function history(alertId: () => string): History {
  let alert = $state.raw<Alert | undefined>();
  let events = $state.raw<readonly RecordedEvent[]>([]);
  let isMissing = $state(false);
  let trouble = $state("");
  let tries = $state(0);

  let askedAt = -Infinity;
  const revision = $derived(feed.get(alertId())?.revision ?? 0n);
  const isLive = $derived(feed.watch.isLive);

  $effect(() => {
    void revision;
    void tries;
    // Once the line is back, what could not be had can be.
    if (!isLive && untrack(() => trouble) !== "") return;
    const asking = new AbortController();
    const ask = async (): Promise<void> => {
      askedAt = performance.now();
      try {
        const answer = await session.clients.alerts.getAlert({ alertId: alertId() }, { signal: asking.signal, timeoutMs: 10_000 });
        if (asking.signal.aborted) return;
        alert = answer.alert;
        events = answer.timeline;
        isMissing = false;
        trouble = "";
      } catch (error) {
        if (asking.signal.aborted) return;
        isMissing = ConnectError.from(error).code === Code.NotFound;
        if (isMissing) [alert, events] = [undefined, []];
        trouble = isMissing ? "" : toldUnread(refusalOf(error));
      }
    };
    const timer = setTimeout(() => void ask(), Math.max(0, askedAt + PACE_MS - performance.now()));
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  });

  return {
    get alert() { return alert; },
    get events() { return events; },
    get isMissing() { return isMissing; },
    get trouble() { return trouble; },
    retry: () => { tries += 1; },
  };
}
