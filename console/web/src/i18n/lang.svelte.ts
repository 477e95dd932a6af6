// Which language is shown, and how words are looked up. Words stand beside the view that says them, in all three.

export const LANGS = { en: "English", ru: "Русский", kk: "Қазақша" } as const;
export type Lang = keyof typeof LANGS;

function isLang(text: string | null | undefined): text is Lang {
  return text != null && text in LANGS;
}

function preferred(): Lang {
  const saved = globalThis.localStorage?.getItem("sos.lang");
  if (isLang(saved)) return saved;
  const wished = globalThis.navigator?.languages ?? [];
  return wished.map((tag) => tag.slice(0, 2)).find(isLang) ?? "en";
}

class Language {
  #current = $state<Lang>(preferred());

  get current(): Lang {
    return this.#current;
  }

  set current(lang: Lang) {
    this.#current = lang;
    globalThis.localStorage?.setItem("sos.lang", lang);
  }
}

export const language = new Language();

export type Values = Readonly<Record<string, string | number>>;

/**
 * A dictionary: the same keys in three languages. What it returns looks a key up in the language shown now, and puts
 * values in the place of `{name}`.
 */
export function words<const T extends Record<string, string>>(
  dictionaries: { en: T; ru: Record<keyof T, string>; kk: Record<keyof T, string> },
): (key: keyof T, values?: Values) => string {
  return (key, values = {}) => {
    const text: string = dictionaries[language.current][key];
    return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  };
}
