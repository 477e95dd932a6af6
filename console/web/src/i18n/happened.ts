// One sentence for each event of a timeline, and what was written with it. The text of strangers is never part of the sentence.
import { Disposition, type Event } from "../gen/sos/event/v1/event_pb";
import { plain } from "../model/plain";
import { dateTime, millis } from "./format";
import { words } from "./lang.svelte";
import { callPhaseName, categoryName, conditionName, dispositionName, faultName, responseName, windowName } from "./terms";

const t = words({
  en: {
    press: "Pressed: {category}", cancel: "The call point asks to cancel", call: "Call: {phase}", broke: "Fault: {fault}", repaired: "Repaired: {fault}",
    testPassed: "Self-test passed", testFailed: "Self-test failed", located: "Said where it is", online: "Call point connected", offline: "Call point gone",
    condition: "Condition: {condition}", quarantined: "Sent bytes that cannot be read ({size})", brokerLost: "Broker lost: {broker}", brokerRestored: "Broker is back: {broker}",
    site: "Site registered or changed", device: "Call point registered or changed", retired: "Call point taken out of use", windowStarted: "{kind} began", windowEnded: "Exercise or test ended",
    access: "Access of the call point changed", acknowledged: "Taken", ackExpired: "Given back: {owner} took no next step in time", dispatched: "Unit sent: {unit}",
    progress: "{unit}: {status}", noted: "Note", escalated: "Escalated to level {level}", transferred: "Handed over to {operator}", resolved: "Closed: {disposition}",
    reopened: "Opened again", actual: "Declared to be real", shelved: "Put aside until {until}", unshelved: "Taken back", unheard: "Level {level} reached nobody: no console was watching",
    erased: "Personal data erased", other: "Something newer than this page",
  },
  ru: {
    press: "Нажатие: {category}", cancel: "С кнопки просят отменить", call: "Разговор: {phase}", broke: "Неисправность: {fault}", repaired: "Исправлено: {fault}",
    testPassed: "Самопроверка пройдена", testFailed: "Самопроверка не пройдена", located: "Сообщены координаты", online: "Кнопка на связи", offline: "Кнопка пропала",
    condition: "Состояние: {condition}", quarantined: "Присланы нечитаемые данные ({size})", brokerLost: "Потерян брокер: {broker}", brokerRestored: "Брокер снова на связи: {broker}",
    site: "Объект внесён или изменён", device: "Кнопка внесена или изменена", retired: "Кнопка выведена из работы", windowStarted: "Начало: {kind}", windowEnded: "Учения или проверка окончены",
    access: "Изменён доступ кнопки", acknowledged: "Принят", ackExpired: "Возвращён: {owner} не сделал следующего шага вовремя", dispatched: "Направлены: {unit}",
    progress: "{unit}: {status}", noted: "Заметка", escalated: "Эскалация до уровня {level}", transferred: "Передан оператору {operator}", resolved: "Закрыт: {disposition}",
    reopened: "Открыт снова", actual: "Признан реальным", shelved: "Отложен до {until}", unshelved: "Возвращён в работу", unheard: "Уровень {level} никто не увидел: ни одна консоль не следила",
    erased: "Личные данные удалены", other: "Событие новее этой страницы",
  },
  kk: {
    press: "Басылды: {category}", cancel: "Түймеден бас тартуды сұрайды", call: "Сөйлесу: {phase}", broke: "Ақау: {fault}", repaired: "Жөнделді: {fault}",
    testPassed: "Өзін-өзі тексеруден өтті", testFailed: "Өзін-өзі тексеруден өтпеді", located: "Координаттарын хабарлады", online: "Түйме байланыста", offline: "Түйме жоғалды",
    condition: "Күйі: {condition}", quarantined: "Оқылмайтын деректер келді ({size})", brokerLost: "Брокер жоғалды: {broker}", brokerRestored: "Брокер қайта қосылды: {broker}",
    site: "Нысан тіркелді немесе өзгерді", device: "Түйме тіркелді немесе өзгерді", retired: "Түйме қолданыстан шығарылды", windowStarted: "Басталды: {kind}", windowEnded: "Жаттығу не тексеру аяқталды",
    access: "Түйменің рұқсаты өзгерді", acknowledged: "Қабылданды", ackExpired: "Қайтарылды: {owner} келесі қадамды уақытында жасамады", dispatched: "Жіберілді: {unit}",
    progress: "{unit}: {status}", noted: "Жазба", escalated: "Эскалация, {level}-деңгей", transferred: "{operator} операторына тапсырылды", resolved: "Жабылды: {disposition}",
    reopened: "Қайта ашылды", actual: "Нақты деп танылды", shelved: "Кейінге қалдырылды, мерзімі: {until}", unshelved: "Қайтарылды", unheard: "{level}-деңгейді ешкім көрмеді: бірде-бір консоль бақыламады",
    erased: "Жеке деректер өшірілді", other: "Бұл беттен жаңарақ оқиға",
  },
});

/** What happened, in a sentence, and what was written. */
export interface Told {
  readonly sentence: string;
  readonly text: string;
}

const told = (sentence: string, text = ""): Told => ({ sentence: plain(sentence), text: plain(text) });

/** Tells an event. */
export function happened(event: Event): Told {
  const { body } = event;
  switch (body.case) {
    case "press": return told(t("press", { category: categoryName(body.value.category) }), body.value.note);
    case "cancel": return told(t("cancel"), body.value.reason);
    case "call": return told(t("call", { phase: callPhaseName(body.value.phase) }));
    case "fault": return told(t(body.value.active ? "broke" : "repaired", { fault: faultName(body.value.kind) }), body.value.detail);
    case "selfTest": return told(t(body.value.passed ? "testPassed" : "testFailed"), body.value.detail);
    case "located": return told(t("located"));
    case "deviceOnline": return told(t("online"), body.value.firmware);
    case "deviceOffline": return told(t("offline"));
    case "deviceConditionChanged": return told(t("condition", { condition: conditionName(body.value.condition) }));
    case "quarantined": return told(t("quarantined", { size: String(body.value.payloadSize) }), body.value.reason);
    case "brokerLost": return told(t("brokerLost", { broker: body.value.broker }), body.value.reason);
    case "brokerRestored": return told(t("brokerRestored", { broker: body.value.broker }));
    case "siteRegistered": return told(t("site"));
    case "deviceRegistered": return told(t("device"));
    case "deviceRetired": return told(t("retired"), body.value.reason);
    case "windowStarted": return told(t("windowStarted", { kind: windowName(body.value.window?.kind ?? 0) }), body.value.window?.reason);
    case "windowEnded": return told(t("windowEnded"), body.value.reason);
    case "deviceAccessChanged": return told(t("access"), body.value.reason);
    default: return commanded(event);
  }
}

/** Tells what operators and deadlines did. */
function commanded({ body }: Event): Told {
  switch (body.case) {
    case "alertAcknowledged": return told(t("acknowledged"));
    case "alertAckExpired": return told(t("ackExpired", { owner: body.value.owner }));
    case "unitDispatched": return told(t("dispatched", { unit: body.value.unitId }));
    case "responseUpdated": return told(t("progress", { unit: body.value.unitId, status: responseName(body.value.status) }));
    case "alertNoted": return told(t("noted"), body.value.note);
    case "alertEscalated": return told(t("escalated", { level: body.value.level }), body.value.reason);
    case "alertTransferred": return told(t("transferred", { operator: body.value.toOperator }));
    case "alertResolved": return told(t("resolved", { disposition: dispositionName(body.value.disposition ?? Disposition.UNSPECIFIED) }), body.value.note);
    case "alertReopened": return told(t("reopened"), body.value.note);
    case "alertDeclaredActual": return told(t("actual"), body.value.reason);
    case "alertShelved": return told(t("shelved", { until: dateTime(millis(body.value.until) ?? 0) }), body.value.reason);
    case "alertUnshelved": return told(t("unshelved"));
    case "escalationUnheard": return told(t("unheard", { level: body.value.level }));
    case "alertErased": return told(t("erased"), body.value.reason);
    default: return told(t("other"));
  }
}
