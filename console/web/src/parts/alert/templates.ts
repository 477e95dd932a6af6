// Ends of alerts that come up every day: what it turned out to be, and the usual sentence.
import { Disposition } from "../../gen/sos/event/v1/event_pb";
import { words } from "../../i18n/lang.svelte";

const t = words({
  en: {
    helped: "Help was given on the spot.", police: "Handed over to the police.", accident: "Pressed by accident, confirmed by voice.", child: "Pressed by a child, no danger.",
    nobody: "The unit found nobody.", repaired: "Repaired, works again.", known: "Known fault, a technician is on it.",
  },
  ru: {
    helped: "Помощь оказана на месте.", police: "Передано полиции.", accident: "Нажато случайно, подтверждено голосом.", child: "Нажал ребёнок, опасности нет.",
    nobody: "Наряд никого не обнаружил.", repaired: "Исправлено, работает.", known: "Неисправность известна, техник занимается.",
  },
  kk: {
    helped: "Көмек сол жерде көрсетілді.", police: "Полицияға тапсырылды.", accident: "Кездейсоқ басылған, дауыспен расталды.", child: "Бала басқан, қауіп жоқ.",
    nobody: "Жасақ ешкімді таппады.", repaired: "Жөнделді, жұмыс істейді.", known: "Ақау белгілі, техник айналысуда.",
  },
});

export interface Template {
  readonly key: string;
  readonly isForPress: boolean;
  readonly disposition: Disposition;
  readonly text: () => string;
}

const template = (key: Parameters<typeof t>[0], isForPress: boolean, disposition: Disposition): Template => ({
  key, isForPress, disposition, text: () => t(key),
});

export const TEMPLATES: readonly Template[] = [
  template("helped", true, Disposition.GENUINE),
  template("police", true, Disposition.GENUINE),
  template("accident", true, Disposition.ACCIDENTAL),
  template("child", true, Disposition.ACCIDENTAL),
  template("nobody", true, Disposition.NOBODY_FOUND),
  template("repaired", false, Disposition.TECHNICAL),
  template("known", false, Disposition.TECHNICAL),
];
