// What changed while this operator was away: the log tells it, from the last position their screen had shown.
import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import { refusalOf } from "../wire/refusal";
import { toldUnread } from "./desk.svelte";
import { feed } from "./feed.svelte";
import { session } from "./session.svelte";

/** More alerts than this are not gathered. */
const MISSED_MAX = 2_000;

class Missed {
  /** Each alert that changed, in its newest state. */
  alerts = $state.raw<readonly Alert[]>([]);
  state = $state<"idle" | "asking" | "done" | "full" | "failed">("idle");
  trouble = $state("");

  /** Gathers everything behind a position, up to where the log stood when it was asked. */
  async gather(position: bigint): Promise<void> {
    if (this.state === "asking") return;
    this.state = "asking";
    const found = new Map<string, Alert>();
    const asking = new AbortController();
    const until = feed.watch.position;
    try {
      for await (const step of session.clients.alerts.watchAlerts({ afterPosition: position }, { signal: asking.signal })) {
        if (step.event.case === "changed") found.set(step.event.value.alertId, step.event.value);
        if (found.size >= MISSED_MAX) {
          this.state = "full";
          break;
        }
        if (step.position >= until) break;
      }
      if (this.state === "asking") this.state = "done";
      this.alerts = [...found.values()];
    } catch (error) {
      this.trouble = toldUnread(refusalOf(error));
      this.state = "failed";
    } finally {
      asking.abort();
    }
  }
}

export const missed = new Missed();
