// What the map calls things, where more than one of its parts says it.
import { count } from "../../i18n/format";
import { words } from "../../i18n/lang.svelte";
import { statusName } from "../../i18n/terms";
import { AlertStatus } from "../../gen/sos/alert/v1/alert_pb";
import type { Look, Tally } from "../../model/mapLook";

const t = words({
  en: {
    alarm: "Press, nobody has it", taken: "Press, taken", technical: "Technical, nobody has it", handled: "Technical, taken or put aside",
    drill: "Exercise or test", quiet: "No open alert",
    open: "Open alerts: {open}", ringing: "calling: {ringing}", level: "escalated: {level}", sites: "Sites: {sites}",
  },
  ru: {
    alarm: "Вызов, никем не принят", taken: "Вызов принят", technical: "Технический, никем не принят", handled: "Технический, принят или отложен",
    drill: "Учения или проверка", quiet: "Открытых вызовов нет",
    open: "Открытых вызовов: {open}", ringing: "ждут ответа: {ringing}", level: "эскалация: {level}", sites: "Объектов: {sites}",
  },
  kk: {
    alarm: "Шақыру, ешкім қабылдамаған", taken: "Шақыру қабылданды", technical: "Техникалық, ешкім қабылдамаған", handled: "Техникалық, қабылданған не кейінге қалған",
    drill: "Жаттығу не тексеру", quiet: "Ашық шақыру жоқ",
    open: "Ашық шақырулар: {open}", ringing: "жауап күтуде: {ringing}", level: "эскалация: {level}", sites: "Нысандар: {sites}",
  },
});

export function lookName(look: Look): string {
  return t(look);
}

/** The letter of what is no emergency. */
export function drillLetter({ worst }: Pick<Tally, "worst">): string {
  return statusName(worst?.status === AlertStatus.TEST ? AlertStatus.TEST : AlertStatus.EXERCISE).slice(0, 1);
}

/** All that a marker says, in one sentence. */
export function saidOf(name: string, sites: number, { look, level, open, ringing }: Tally): string {
  const parts = [name];
  if (sites > 1) parts.push(t("sites", { sites: count(sites) }));
  if (look !== "quiet") parts.push(t(look));
  if (open > 0) parts.push(t("open", { open: count(open) }));
  if (ringing > 0) parts.push(t("ringing", { ringing: count(ringing) }));
  if (level > 0) parts.push(t("level", { level }));
  return parts.filter((part) => part !== "").join(", ");
}
