// What makes a new alert impossible to miss: sound, title, notification, and a sentence for screen readers.
import { AlertState, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { words } from "../i18n/lang.svelte";
import { isPress, placeName, rings, siteName } from "../model/alert";
import { playAlarm, playNotice, unlock } from "../parts/sound";
import { notices } from "./notices.svelte";
import { prefs } from "./prefs.svelte";
import { session } from "./session.svelte";

/** While somebody's press is taken by nobody, it rings again so often, in milliseconds. */
const AGAIN_MS = 5_000;

/** For how long the officer can have silence, in milliseconds. */
export const MUTE_MS = 60_000;

const t = words({
  en: { handedOver: "Handed over to you: {site}, {place}", again: "Pressed again: {site}, {place}", cancel: "Asks to cancel: {site}, {place}", escalated: "More help was asked for: {site}, {place}" },
  ru: { handedOver: "Вам передан вызов: {site}, {place}", again: "Нажато снова: {site}, {place}", cancel: "Просят отменить: {site}, {place}", escalated: "Запрошена помощь: {site}, {place}" },
  kk: { handedOver: "Сізге шақыру тапсырылды: {site}, {place}", again: "Қайта басылды: {site}, {place}", cancel: "Бас тартуды сұрайды: {site}, {place}", escalated: "Қосымша көмек сұралды: {site}, {place}" },
});

class Alarm {
  #presses = new Set<string>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Until when it is mute, by a clock that nobody can set; 0 if it is not. */
  mutedUntil = $state(0);
  /** Whether the browser lets it sound. */
  isUnlocked = $state(false);
  /** The screen may be old: nobody would hear of a press. */
  isLineLost = $state(false);
  /** The newest alert, for screen readers and for the strip on top. */
  newest = $state.raw<Alert | undefined>();

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#again(), AGAIN_MS);
    const allow = (): void => {
      if (!this.isUnlocked) void unlock((isUnlocked) => { this.isUnlocked = isUnlocked; });
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
      if (before !== undefined) this.#changedMine(before, after);
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

  /** An alert that its owner has to look at again, or that was just handed over. */
  #changedMine(before: Alert, after: Alert): void {
    if (after.state !== AlertState.ACKNOWLEDGED || after.owner !== session.name) return;
    const isHandedOver = before.owner !== "" && before.owner !== after.owner;
    const reason = isHandedOver ? "handedOver"
      : after.pressCount > before.pressCount ? "again"
      : after.cancelRequested && !before.cancelRequested ? "cancel"
      : after.escalationLevel > before.escalationLevel ? "escalated" : undefined;
    if (reason === undefined) return;
    if (this.#sounds()) playAlarm();
    notices.add("bad", t(reason, { site: siteName(after), place: placeName(after) }), after.alertId);
    this.#notify(after);
  }

  #again(): void {
    if (!this.#sounds()) return;
    if (this.#presses.size > 0) playAlarm();
    else if (this.isLineLost) playNotice();
  }

  #sounds(): boolean {
    return prefs.sound.value === "on" && !this.isMuted && this.isUnlocked;
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
