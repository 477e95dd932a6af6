// What this operator likes; kept in this browser.

type Theme = "auto" | "light" | "dark";

class Preference<T extends string> {
  #value: T = $state() as T;

  constructor(readonly key: string, readonly choices: readonly T[], fallback: T) {
    const saved = globalThis.localStorage?.getItem(key);
    this.#value = choices.find((choice) => choice === saved) ?? fallback;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    globalThis.localStorage?.setItem(this.key, value);
  }
}

const ON_OFF = ["on", "off"] as const;

export const prefs = {
  theme: new Preference<Theme>("sos.theme", ["auto", "light", "dark"], "auto"),
  sound: new Preference("sos.sound", ON_OFF, "on"),
  notifications: new Preference("sos.notifications", ON_OFF, "off"),
  /** Single keys as commands; who dictates to the machine has to be able to turn them off (WCAG 2.1.4). */
  keys: new Preference("sos.keys", ON_OFF, "on"),
};
