// Dates, numbers and ages by locale.
import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";

import { language } from "./lang.svelte";

/** Kazakh dates and numbers are written as Russian ones there; browsers that know no Kazakh would write others. */
const LOCALES = { en: "en-GB", ru: "ru-KZ", kk: "ru-KZ" } as const;
const DAYS = { en: "d", ru: "д", kk: "күн" } as const;

/** Makes one thing for each language, once: formats are slow to make. */
function once<Format>(make: (locale: string) => Format): () => Format {
  const made = new Map<string, Format>();
  return () => {
    const locale = LOCALES[language.current];
    const found = made.get(locale) ?? make(locale);
    made.set(locale, found);
    return found;
  };
}

const TIME = { hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
const DAY = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
const times = once((locale) => new Intl.DateTimeFormat(locale, TIME));
const dateTimes = once((locale) => new Intl.DateTimeFormat(locale, { ...DAY, ...TIME }));
const numbers = once((locale) => new Intl.NumberFormat(locale));

/** Milliseconds since 1970, or nothing where the server did not say. */
export function millis(at: Timestamp | undefined): number | undefined {
  return at === undefined ? undefined : timestampMs(at);
}

/** Hours, minutes and seconds. */
export function timeOfDay(ms: number): string {
  return times().format(ms);
}

/** Day and time, to the second. */
export function dateTime(ms: number): string {
  return dateTimes().format(ms);
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
  return numbers().format(value);
}

/** A number with a fixed count of decimals. */
export function decimal(value: number, digits: number): string {
  return new Intl.NumberFormat(LOCALES[language.current], { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}
