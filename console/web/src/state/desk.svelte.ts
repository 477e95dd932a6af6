// Operators' commands. A click shows at once that it is under way, and what became of it only once the server has said so.
import { words } from "../i18n/lang.svelte";
import { moment } from "../i18n/format";
import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import { requestId } from "../wire/ids";
import { refusalOf, type Refusal } from "../wire/refusal";
import { feed } from "./feed.svelte";
import { notices } from "./notices.svelte";
import { session } from "./session.svelte";
import { time } from "./time.svelte";

/** An unanswered command is repeated under the same request id for so long, in milliseconds (P6: it has one effect). */
const PATIENCE_MS = 30_000;
const TRY_MS = 5_000;
const PAUSE_MS = 500;

const t = words({
  en: {
    lost: "{owner} has it since {since}.",
    lostState: "Not possible now: {message}",
    changed: "It changed while you looked. Look again, then repeat.",
    unanswered: "No answer from the server. Whether it took effect is not known.",
    silent: "No answer from the server.",
    forbidden: "Your role does not allow this.",
    signedOut: "Your session has ended. Sign in again, then repeat.",
    failed: "Not done: {message}",
  },
  ru: {
    lost: "Уже у оператора {owner} с {since}.",
    lostState: "Сейчас невозможно: {message}",
    changed: "Вызов изменился, пока вы смотрели. Проверьте и повторите.",
    unanswered: "Сервер не отвечает. Выполнено ли действие, неизвестно.",
    silent: "Сервер не отвечает.",
    forbidden: "Ваша роль этого не разрешает.",
    signedOut: "Сеанс закончился. Войдите снова и повторите.",
    failed: "Не выполнено: {message}",
  },
  kk: {
    lost: "Шақыру {owner} операторында, қабылданған уақыты: {since}.",
    lostState: "Қазір мүмкін емес: {message}",
    changed: "Сіз қарап тұрғанда шақыру өзгерді. Тексеріп, қайталаңыз.",
    unanswered: "Сервер жауап бермейді. Орындалғаны белгісіз.",
    silent: "Сервер жауап бермейді.",
    forbidden: "Рөліңіз бұған рұқсат бермейді.",
    signedOut: "Сеанс аяқталды. Қайта кіріп, қайталаңыз.",
    failed: "Орындалмады: {message}",
  },
});

/** What an operator is told of a refusal. */
export function told(refusal: Refusal): string {
  switch (refusal.kind) {
    case "lost": {
      const since = Date.parse(refusal.since);
      // What is closed, or one's own, is not possible for another reason than that somebody has it.
      const isElses = refusal.state === "ALERT_STATE_ACKNOWLEDGED" && refusal.owner !== "" && refusal.owner !== session.name;
      if (!isElses || Number.isNaN(since)) return t("lostState", { message: refusal.message.split(": ").at(-1) ?? "" });
      return t("lost", { owner: refusal.owner, since: moment(since, time.now) });
    }
    case "invalid":
    case "failed":
      return t("failed", { message: refusal.message });
    default:
      return t(refusal.kind);
  }
}

/** What an operator is told where something could only not be read. */
export function toldUnread(refusal: Refusal): string {
  return refusal.kind === "unanswered" ? t("silent") : told(refusal);
}

/** Repeats a call under one request id until it is answered; throws the refusal of the last try. */
export async function persist<Answer>(call: (requestId: string, timeoutMs: number) => Promise<Answer>, id = requestId()): Promise<Answer> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call(id, TRY_MS);
    } catch (error) {
      if (refusalOf(error).kind !== "unanswered" || performance.now() > until) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** What a command names, and how long it may take. */
export interface Target {
  readonly alertId: string;
  readonly requestId: string;
}

type Command = (target: Target, options: { timeoutMs: number }) => Promise<{ alert?: Alert | undefined }>;

/** Commands whose fate is not known are remembered, so that the same again is the same command; more are forgotten. */
const UNKNOWN_MAX = 100;

class Desk {
  readonly #unknown = new Map<string, string>();
  #busy = $state.raw<ReadonlyMap<string, string>>(new Map());

  /** What is under way for an alert; empty for nothing. */
  busy(alertId: string): string {
    return this.#busy.get(alertId) ?? "";
  }

  /**
   * Carries out a command and shows what became of it. Answers whether it was done. `content` is all that it says beside
   * its verb. P6: given again while nobody knows whether it took effect, it is the same command.
   */
  async act(alert: Alert, verb: string, command: Command, content = ""): Promise<boolean> {
    const { alertId } = alert;
    if (this.#busy.has(alertId)) return false;
    const said = JSON.stringify([alertId, verb, content]);
    const id = this.#unknown.get(said) ?? requestId();
    this.#unknown.delete(said);
    this.#busy = new Map(this.#busy).set(alertId, verb);
    try {
      const answer = await persist((requestId, timeoutMs) => command({ alertId, requestId }, { timeoutMs }), id);
      if (answer.alert !== undefined) feed.learn(answer.alert);
      return true;
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.kind === "signedOut") void session.expire();
      const isUnknown = refusal.kind === "unanswered" || refusal.kind === "signedOut";
      if (isUnknown) this.#remember(said, id);
      const again = refusal.kind === "unanswered" ? () => void this.act(alert, verb, command, content) : undefined;
      notices.add("bad", told(refusal), alertId, again);
      return false;
    } finally {
      const busy = new Map(this.#busy);
      busy.delete(alertId);
      this.#busy = busy;
    }
  }

  #remember(said: string, id: string): void {
    this.#unknown.set(said, id);
    const [oldest] = this.#unknown.keys();
    if (this.#unknown.size > UNKNOWN_MAX && oldest !== undefined) this.#unknown.delete(oldest);
  }
}

export const desk = new Desk();
