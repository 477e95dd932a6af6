// Dates, numbers and ages by locale.
import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";

import { language } from "./lang.svelte";

/** A browser that knows no Kazakh dates writes them as in Russian there, which is the same order. */
const LOCALES = { en: ["en-GB"], ru: ["ru-KZ"], kk: ["kk-KZ", "ru-KZ"] };
const DAYS = { en: "d", ru: "д", kk: "күн" } as const;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(style: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language.current} ${style}`;
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(LOCALES[language.current], { hourCycle: "h23", ...options });
    formats.set(key, found);
  }
  return found;
}

/** Milliseconds since 1970, or nothing where the server did not say. */
export function millis(at: Timestamp | undefined): number | undefined {
  return at === undefined ? undefined : timestampMs(at);
}

/** Hours, minutes and seconds. */
export function timeOfDay(ms: number): string {
  return format("time", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(ms);
}

/** Day and time, to the second. */
export function dateTime(ms: number): string {
  return format("both", {
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).format(ms);
}

/** The time alone for the same day, day and time for another one. */
export function moment(ms: number, now: number): string {
  return new Date(ms).toDateString() === new Date(now).toDateString() ? timeOfDay(ms) : dateTime(ms);
}

/** A length of time, as `4:07` or `1:23:45`; days where there are any. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = days + hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  return days > 0 ? `${days} ${DAYS[language.current]} ${clock}` : clock;
}

/** A number, grouped as people there write it. */
export function count(value: number | bigint): string {
  return new Intl.NumberFormat(LOCALES[language.current]).format(value);
}

/** A number with a fixed count of decimals. */
export function decimal(value: number, digits: number): string {
  return new Intl.NumberFormat(LOCALES[language.current], { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}
