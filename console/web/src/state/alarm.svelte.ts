// What makes a new alert impossible to miss: sound, title, notification, and a sentence for screen readers.
import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import { isPress, placeName, rings, siteName } from "../model/alert";
import { isUnlocked, playAlarm, playNotice, unlock } from "../parts/sound";
import { prefs } from "./prefs.svelte";

/** While somebody's press is taken by nobody, it rings again so often, in milliseconds. */
const AGAIN_MS = 5_000;

/** For how long the officer can have silence, in milliseconds. */
export const MUTE_MS = 60_000;

class Alarm {
  #presses = new Set<string>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Until when it is mute, by a clock that nobody can set; 0 if it is not. */
  mutedUntil = $state(0);
  /** Whether the browser lets it sound. */
  isUnlocked = $state(false);
  /** The newest alert, for screen readers and for the strip on top. */
  newest = $state.raw<Alert | undefined>();

  start(): void {
    this.#timer ??= setInterval(() => this.#again(), AGAIN_MS);
    const allow = (): void => {
      void unlock().then(() => {
        this.isUnlocked = isUnlocked();
      });
    };
    for (const deed of ["pointerdown", "keydown"]) addEventListener(deed, allow, { passive: true });
    allow();
  }

  get isMuted(): boolean {
    return this.mutedUntil > 0;
  }

  /** Silence for a minute, or no more of it. */
  toggleMute(): void {
    if (this.isMuted) {
      this.mutedUntil = 0;
      return;
    }
    const until = performance.now() + MUTE_MS;
    this.mutedUntil = until;
    setTimeout(() => {
      if (this.mutedUntil === until) this.mutedUntil = 0;
    }, MUTE_MS);
  }

  /** What was open when the page came: it rings, but is no news. */
  snapshot(alerts: Iterable<Alert>): void {
    this.#presses = new Set([...alerts].filter((alert) => rings(alert) && isPress(alert)).map(({ alertId }) => alertId));
    if (this.#presses.size > 0) this.#again();
  }

  /** An alert changed. */
  changed(before: Alert | undefined, after: Alert): void {
    if (!rings(after)) {
      this.#presses.delete(after.alertId);
      return;
    }
    if (isPress(after)) this.#presses.add(after.alertId);
    const isNew = before === undefined || !rings(before);
    const rose = before !== undefined && (after.escalationLevel > before.escalationLevel || after.pressCount > before.pressCount);
    if (!isNew && !rose) return;
    this.newest = after;
    if (this.#sounds()) (isPress(after) ? playAlarm : playNotice)();
    if (isNew) this.#notify(after);
  }

  #again(): void {
    if (this.#presses.size > 0 && this.#sounds()) playAlarm();
  }

  #sounds(): boolean {
    return prefs.sound.value === "on" && !this.isMuted && isUnlocked();
  }

  #notify(alert: Alert): void {
    if (prefs.notifications.value !== "on" || Notification.permission !== "granted" || document.hasFocus()) return;
    const notification = new Notification(siteName(alert), { body: placeName(alert), tag: alert.alertId });
    notification.onclick = () => {
      focus();
      location.hash = `#/alerts?alert=${encodeURIComponent(alert.alertId)}`;
      notification.close();
    };
  }
}

export const alarm = new Alarm();
