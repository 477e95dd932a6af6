// What the steps of handling an alert are called.
import type { Verb } from "../state/actions";
import { words } from "./lang.svelte";

export const stepName: (verb: Verb) => string = words({
  en: {
    acknowledge: "Take", dispatch: "Send a unit", note: "Note", escalate: "Escalate", transfer: "Hand over", resolve: "Close", reopen: "Reopen",
    actual: "It is real", shelve: "Put aside", unshelve: "Take back",
  },
  ru: {
    acknowledge: "Принять", dispatch: "Направить силы", note: "Заметка", escalate: "Эскалировать", transfer: "Передать", resolve: "Закрыть",
    reopen: "Открыть снова", actual: "Это не учения", shelve: "Отложить", unshelve: "Вернуть",
  },
  kk: {
    acknowledge: "Қабылдау", dispatch: "Күш жіберу", note: "Жазба", escalate: "Эскалациялау", transfer: "Тапсыру", resolve: "Жабу",
    reopen: "Қайта ашу", actual: "Бұл жаттығу емес", shelve: "Кейінге қалдыру", unshelve: "Қайтару",
  },
});
