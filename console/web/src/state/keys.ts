// Single keys: one for each step, and for going about. Not while somebody types.
import { stepsFor } from "./actions";
import { alarm } from "./alarm.svelte";
import { feed } from "./feed.svelte";
import { prefs } from "./prefs.svelte";
import { route, type Page } from "./route.svelte";
import { selection } from "./selection.svelte";
import { take } from "./steps";

const PAGES: Readonly<Record<string, Page>> = { "1": "alerts", "2": "map", "3": "devices", "4": "registry", "5": "shift" };

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, dialog, [role=dialog], [popover], [contenteditable]") !== null;
}

/** Handles a key that was pressed anywhere on the page. */
export function handleKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target)) return;
  if (goAbout(event) || (prefs.keys.value === "on" && command(event))) event.preventDefault();
}

function goAbout({ key, target }: KeyboardEvent): boolean {
  if (route.page !== "alerts") return false;
  // Arrows scroll what has the focus, and it is the list's business where that is the list.
  const rows = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[key];
  if (rows === undefined || (target instanceof HTMLElement && target.closest("[data-own-keys]") !== null)) return false;
  selection.move(rows);
  return true;
}

function command(event: KeyboardEvent): boolean {
  if (event.repeat) return false;
  const key = placed(event);
  const page = PAGES[key];
  if (page !== undefined) {
    route.go(page);
    return true;
  }
  switch (key) {
    case "j":
    case "k":
      if (route.page === "alerts") selection.move(key === "j" ? 1 : -1);
      return true;
    case "m":
      alarm.toggleMute();
      return true;
    case "/":
      document.querySelector<HTMLInputElement>("input[type=search]")?.focus();
      return true;
    case "?":
      document.querySelector<HTMLDialogElement>("#help")?.showModal();
      return true;
    default:
      return step(key);
  }
}

/** The key at this place of a Latin keyboard: Kazakh and Russian ones have other letters and signs there. */
function placed({ code, key, shiftKey }: KeyboardEvent): string {
  if (/^(Key[A-Z]|Digit[1-5])$/.test(code)) return code.slice(-1).toLowerCase();
  if (code !== "Slash" || key === "?") return key;
  return shiftKey ? "?" : "/";
}

function step(key: string): boolean {
  if (route.page !== "alerts" && route.page !== "map") return false;
  const alert = feed.get(selection.alertId);
  const found = alert && stepsFor(alert).find((step) => step.key === key);
  if (alert === undefined || found === undefined) return false;
  take(alert, found.verb);
  return true;
}
