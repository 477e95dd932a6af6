// Every alert that is open, and the newest that were closed while this page was open.
import { compareUrgency, isOpen, rings } from "../model/alert";
import { paced } from "../model/paced";
import { AlertState, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { alarm } from "./alarm.svelte";
import { session } from "./session.svelte";
import { Watch, type Sink } from "./watch.svelte";

/** Closed alerts that are kept; the oldest go first. */
const CLOSED_MAX = 2_000;

/** In a flood of changes, the screen follows at this pace, in milliseconds. */
const FLOOD_MS = 50;

export class Feed implements Sink<Alert> {
  readonly #all = new Map<string, Alert>();
  readonly #closed = new Set<string>();
  #fresh: Set<string> | undefined;
  #version = $state(0);
  readonly #shown = paced(FLOOD_MS, () => {
    this.#version += 1;
  });

  readonly watch = new Watch<Alert>(
    (afterPosition, signal) => session.clients.alerts.watchAlerts({ afterPosition }, { signal }),
    this,
    session.logId,
  );

  /** The open alerts, the most urgent first. */
  readonly open: readonly Alert[] = $derived.by(() => {
    void this.#version;
    return [...this.#all.values()].filter(isOpen).sort(compareUrgency);
  });

  /** How many call for somebody. */
  readonly ringing: number = $derived(this.open.filter(rings).length);

  /** What was closed while this page was open, in no order. */
  readonly closed: readonly Alert[] = $derived.by(() => {
    void this.#version;
    return [...this.#all.values()].filter((alert) => !isOpen(alert));
  });

  /** An alert, if this page has heard of it. */
  get(alertId: string): Alert | undefined {
    void this.#version;
    return this.#all.get(alertId);
  }

  begin(): void {
    this.#fresh = new Set();
  }

  take(alert: Alert, isNews: boolean): void {
    this.#fresh?.add(alert.alertId);
    const known = this.#all.get(alert.alertId);
    // What a command answered may be newer than what the watch tells; a snapshot may be of another log.
    if (this.#fresh === undefined && known !== undefined && known.revision > alert.revision) return;
    this.#keep(alert);
    if (isNews) alarm.changed(known, alert);
    this.#show();
  }

  complete(): void {
    const fresh = this.#fresh;
    this.#fresh = undefined;
    for (const alertId of this.#all.keys()) {
      if (fresh?.has(alertId) === true) continue;
      this.#all.delete(alertId);
      this.#closed.delete(alertId);
    }
    alarm.snapshot(this.#all.values());
    this.#show();
  }

  /** What a command answered. */
  learn(alert: Alert): void {
    const known = this.#all.get(alert.alertId);
    if (known !== undefined && known.revision >= alert.revision) return;
    this.#keep(alert);
    alarm.changed(known, alert);
    this.#show();
  }

  #keep(alert: Alert): void {
    this.#all.set(alert.alertId, alert);
    this.#closed.delete(alert.alertId);
    if (alert.state !== AlertState.RESOLVED) return;
    this.#closed.add(alert.alertId);
    const [oldest] = this.#closed;
    if (this.#closed.size > CLOSED_MAX && oldest !== undefined) {
      this.#closed.delete(oldest);
      this.#all.delete(oldest);
    }
  }

  /** A snapshot is shown when it is complete. */
  #show(): void {
    if (this.#fresh === undefined) this.#shown.soon();
  }
}

export const feed = new Feed();
