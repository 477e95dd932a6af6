// What is wrong, as the note of a technical alert says it in the words of the log, told in the language of the screen.
import { words } from "./lang.svelte";
import { faultName } from "./terms";
import { FaultKind } from "../gen/sos/device/v1/device_pb";

const t = words({
  en: {
    lost: "No sign of life", lostMany: "No sign of life from {count} call points or more", broker: "Broker lost ({detail})", unheard: "Level {level} of an escalation reached nobody",
    flapping: "Breaks and mends all the time", selfTest: "Self-test failed", withDetail: "{what}: {detail}",
  },
  ru: {
    lost: "Нет сигнала", lostMany: "Нет сигнала от {count} кнопок или более", broker: "Потерян брокер ({detail})", unheard: "Уровень {level} эскалации никто не увидел",
    flapping: "То ломается, то работает", selfTest: "Самопроверка не пройдена", withDetail: "{what}: {detail}",
  },
  kk: {
    lost: "Белгі жоқ", lostMany: "{count} не одан көп түймеден белгі жоқ", broker: "Брокер жоғалды ({detail})", unheard: "Эскалацияның {level}-деңгейін ешкім көрмеді",
    flapping: "Біресе бұзылып, біресе істейді", selfTest: "Өзін-өзі тексеруден өтпеді", withDetail: "{what}: {detail}",
  },
});

const withDetail = (what: string, detail: string): string => (detail === "" ? what : t("withDetail", { what, detail }));

/** One thing that is wrong; what is not known here is told as it was written. */
function cause(text: string): string {
  const [, code = "", detail = ""] = /^([A-Z_]+)(?:: (.*))?$/s.exec(text) ?? [];
  switch (code) {
    case "": return text;
    case "LOST": return detail === "" ? t("lost") : t("lostMany", { count: /^\d+/.exec(detail)?.[0] ?? detail });
    case "BROKER_LOST": return t("broker", { detail });
    case "ESCALATION_UNHEARD": return t("unheard", { level: /\d+$/.exec(detail)?.[0] ?? detail });
    case "FLAPPING": return t("flapping");
    case "SELF_TEST_FAILED": return withDetail(t("selfTest"), detail);
    default: {
      const kind = FaultKind[code as keyof typeof FaultKind];
      return kind === undefined ? text : withDetail(faultName(kind), detail);
    }
  }
}

/** Everything that is wrong. */
export function wrong(note: string): string {
  return note.split("; ").map(cause).join("; ");
}
