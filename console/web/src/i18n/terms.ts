// The nouns of the contract in three languages: one word for each value of each enum.
import { AlertKind, AlertPriority, AlertState, AlertStatus } from "../gen/sos/alert/v1/alert_pb";
import { CallPhase, Category, FaultKind, Indicator } from "../gen/sos/device/v1/device_pb";
import { Disposition, EventFlag, ResponseStatus } from "../gen/sos/event/v1/event_pb";
import { DeviceCondition, SiteKind, SupervisionClass, WindowKind } from "../gen/sos/registry/v1/registry_pb";
import { language, type Lang } from "./lang.svelte";

type Term = readonly [en: string, ru: string, kk: string];
const COLUMN: Readonly<Record<Lang, 0 | 1 | 2>> = { en: 0, ru: 1, kk: 2 };

/** Looks values up; one that is newer than this page is shown as its number. */
function terms<E extends number>(table: Readonly<Record<E, Term>>): (value: E) => string {
  return (value) => table[value]?.[COLUMN[language.current]] ?? String(value);
}

export const stateName = terms<AlertState>({
  [AlertState.UNSPECIFIED]: ["–", "–", "–"],
  [AlertState.RAISED]: ["New", "Новый", "Жаңа"],
  [AlertState.ACKNOWLEDGED]: ["Taken", "Принят", "Қабылданды"],
  [AlertState.RESOLVED]: ["Closed", "Закрыт", "Жабылды"],
});

export const kindName = terms<AlertKind>({
  [AlertKind.UNSPECIFIED]: ["–", "–", "–"],
  [AlertKind.PRESS]: ["Press", "Вызов", "Шақыру"],
  [AlertKind.TECHNICAL]: ["Technical", "Технический", "Техникалық"],
});

export const statusName = terms<AlertStatus>({
  [AlertStatus.UNSPECIFIED]: ["–", "–", "–"],
  [AlertStatus.ACTUAL]: ["In earnest", "Реальный", "Нақты"],
  [AlertStatus.EXERCISE]: ["Exercise", "Учения", "Жаттығу"],
  [AlertStatus.TEST]: ["Test", "Проверка", "Тексеру"],
});

export const priorityName = terms<AlertPriority>({
  [AlertPriority.UNSPECIFIED]: ["–", "–", "–"],
  [AlertPriority.LOW]: ["Low", "Низкий", "Төмен"],
  [AlertPriority.MEDIUM]: ["Medium", "Средний", "Орташа"],
  [AlertPriority.HIGH]: ["High", "Высокий", "Жоғары"],
  [AlertPriority.CRITICAL]: ["Critical", "Критический", "Аса жоғары"],
});

export const categoryName = terms<Category>({
  [Category.UNSPECIFIED]: ["Help", "Помощь", "Көмек"],
  [Category.POLICE]: ["Police", "Полиция", "Полиция"],
  [Category.MEDICAL]: ["Ambulance", "Скорая", "Жедел жәрдем"],
  [Category.FIRE]: ["Fire", "Пожарные", "Өрт сөндіру"],
});

export const dispositionName = terms<Disposition>({
  [Disposition.UNSPECIFIED]: ["–", "–", "–"],
  [Disposition.GENUINE]: ["Genuine emergency", "Реальное происшествие", "Нақты оқиға"],
  [Disposition.ACCIDENTAL]: ["Pressed by accident", "Случайное нажатие", "Кездейсоқ басылған"],
  [Disposition.MALICIOUS]: ["Pressed to mislead", "Ложный вызов", "Жалған шақыру"],
  [Disposition.TEST]: ["Test", "Проверка", "Тексеру"],
  [Disposition.TECHNICAL]: ["Technical cause", "Техническая причина", "Техникалық себеп"],
  [Disposition.DUPLICATE]: ["Same as another alert", "Повтор другого вызова", "Басқа шақырудың қайталануы"],
  [Disposition.NOBODY_FOUND]: ["Nobody found", "Никого не обнаружено", "Ешкім табылмады"],
});

export const responseName = terms<ResponseStatus>({
  [ResponseStatus.UNSPECIFIED]: ["–", "–", "–"],
  [ResponseStatus.DISPATCHED]: ["Sent", "Направлен", "Жіберілді"],
  [ResponseStatus.EN_ROUTE]: ["On the way", "В пути", "Жолда"],
  [ResponseStatus.ON_SCENE]: ["On scene", "На месте", "Орнында"],
  [ResponseStatus.CLEARED]: ["Done", "Завершил", "Аяқтады"],
  [ResponseStatus.WITHDRAWN]: ["Called back", "Отозван", "Кері шақырылды"],
});

export const callPhaseName = terms<CallPhase>({
  [CallPhase.UNSPECIFIED]: ["–", "–", "–"],
  [CallPhase.OFFERED]: ["Waiting for an answer", "Ожидает ответа", "Жауап күтуде"],
  [CallPhase.CONNECTED]: ["Connected", "Соединён", "Қосылды"],
  [CallPhase.ENDED]: ["Ended", "Завершён", "Аяқталды"],
  [CallPhase.FAILED]: ["Failed", "Не удался", "Сәтсіз"],
});

export const indicatorName = terms<Indicator>({
  [Indicator.UNSPECIFIED]: ["–", "–", "–"],
  [Indicator.IDLE]: ["Dark", "Не горит", "Жанбайды"],
  [Indicator.RECEIVED]: ["Received", "Вызов получен", "Шақыру алынды"],
  [Indicator.ACKNOWLEDGED]: ["Taken by a person", "Принят оператором", "Оператор қабылдады"],
  [Indicator.HELP_COMING]: ["Help is coming", "Помощь в пути", "Көмек жолда"],
  [Indicator.HELP_ON_SCENE]: ["Help is there", "Помощь на месте", "Көмек орнында"],
});

export const faultName = terms<FaultKind>({
  [FaultKind.UNSPECIFIED]: ["Fault", "Неисправность", "Ақау"],
  [FaultKind.TAMPER]: ["Tamper", "Вскрытие корпуса", "Корпус ашылған"],
  [FaultKind.BATTERY_LOW]: ["Low battery", "Низкий заряд", "Заряд аз"],
  [FaultKind.MAINS_LOST]: ["No mains", "Нет сети 220 В", "Электр желісі жоқ"],
  [FaultKind.AUDIO]: ["Audio", "Звук", "Дыбыс"],
  [FaultKind.VIDEO]: ["Video", "Видео", "Бейне"],
  [FaultKind.BUTTON_STUCK]: ["Button stuck", "Кнопка залипла", "Түйме тұрып қалған"],
  [FaultKind.NETWORK_PATH]: ["Network path", "Канал связи", "Байланыс арнасы"],
});

export const conditionName = terms<DeviceCondition>({
  [DeviceCondition.UNSPECIFIED]: ["Unknown", "Неизвестно", "Белгісіз"],
  [DeviceCondition.GOOD]: ["Good", "Исправна", "Жарамды"],
  [DeviceCondition.DEGRADED]: ["Needs care", "Требует внимания", "Назар керек"],
  [DeviceCondition.FAILED]: ["Failed", "Не работает", "Істемейді"],
});

export const siteKindName = terms<SiteKind>({
  [SiteKind.UNSPECIFIED]: ["Not said", "Не указан", "Көрсетілмеген"],
  [SiteKind.SCHOOL]: ["School", "Школа", "Мектеп"],
  [SiteKind.HOSPITAL]: ["Hospital", "Больница", "Аурухана"],
  [SiteKind.PUBLIC_PLACE]: ["Public place", "Общественное место", "Қоғамдық орын"],
});

export const classRule = terms<SupervisionClass>({
  [SupervisionClass.UNSPECIFIED]: ["As D", "Как D", "D сияқты"],
  [SupervisionClass.A]: ["A: 90 s", "A: 90 с", "A: 90 с"],
  [SupervisionClass.B]: ["B: 3 min", "B: 3 мин", "B: 3 мин"],
  [SupervisionClass.C]: ["C: 30 min", "C: 30 мин", "C: 30 мин"],
  [SupervisionClass.D]: ["D: 25 h", "D: 25 ч", "D: 25 сағ"],
});

export const windowName = terms<WindowKind>({
  [WindowKind.UNSPECIFIED]: ["–", "–", "–"],
  [WindowKind.EXERCISE]: ["Exercise", "Учения", "Жаттығу"],
  [WindowKind.TEST]: ["Test", "Проверка", "Тексеру"],
});

export const flagName = terms<EventFlag>({
  [EventFlag.UNSPECIFIED]: ["–", "–", "–"],
  [EventFlag.CLOCK_AHEAD]: ["Its clock is ahead", "Часы спешат", "Сағаты алда"],
  [EventFlag.CLOCK_BEHIND]: ["Its clock is behind, or the message is old", "Часы отстают или сообщение старое", "Сағаты артта немесе хабар ескі"],
  [EventFlag.CLOCK_INVALID]: ["Its time is none", "Время неверно", "Уақыты қате"],
  [EventFlag.LOCATION_INVALID]: ["Its location is none", "Координаты неверны", "Координаттары қате"],
  [EventFlag.TEXT_CUT]: ["A text was cut", "Текст обрезан", "Мәтін қысқартылды"],
  [EventFlag.FIELD_LEFT_OUT]: ["A field could not be read", "Поле не прочитано", "Өріс оқылмады"],
  [EventFlag.RETAINED]: ["May be of any age", "Может быть старым", "Ескі болуы мүмкін"],
});
