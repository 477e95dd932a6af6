// Everything that is said is said in all three languages, with the same values in it.
import { afterEach, describe, expect, test } from "vitest";

import { dictionaries, sources, spelledOut } from "../testing/sources";
import { LANGS, language, words, type Lang } from "./lang.svelte";

const ALL = Object.keys(LANGS) as Lang[];
const found = sources().flatMap(dictionaries);

/** The same in every language: names of things, and signs. */
const INTERNATIONAL = /^(SOS|CSV|GPS|QR|JWT|ID|MQTT|gRPC|[^\p{L}]*)$/u;

/** Letters that Kazakh has and Russian has not. */
const KAZAKH_ONLY = /[әғқңөұүһі]/i;

afterEach(() => {
  language.current = "en";
});

test("dictionaries are found", () => {
  expect(found.length).toBeGreaterThan(5);
});

describe.each(found.map((dictionary) => [dictionary.where, dictionary.texts] as const))("%s", (_, texts) => {
  const keys = [...(texts.get("en")?.keys() ?? [])];

  test("has all languages, and in each the same keys", () => {
    expect([...texts.keys()].sort()).toEqual([...ALL].sort());
    for (const lang of ALL) expect([...(texts.get(lang)?.keys() ?? [])].sort(), lang).toEqual([...keys].sort());
  });

  test("says something everywhere, with the same values in it", () => {
    const values = (lang: Lang, key: string): string[] => [...(texts.get(lang)?.get(key) ?? "").matchAll(/\{(\w+)\}/g)].map(String).sort();
    for (const key of keys) {
      for (const lang of ALL) {
        expect(texts.get(lang)?.get(key)?.trim(), `${lang} ${key}`).not.toBe("");
        expect(values(lang, key), `${lang} ${key}`).toEqual(values("en", key));
      }
    }
  });

  test("is in the language that it claims", () => {
    for (const key of keys) {
      const [en = "", ru = "", kk = ""] = ALL.map((lang) => (texts.get(lang)?.get(key) ?? "").replaceAll(/\{\w+\}/g, ""));
      expect(en, `en ${key}`).not.toMatch(/\p{Script=Cyrillic}/u);
      expect(ru, `ru ${key}`).not.toMatch(KAZAKH_ONLY);
      for (const text of [ru, kk]) if (!INTERNATIONAL.test(text.trim())) expect(text, key).toMatch(/\p{Script=Cyrillic}/u);
    }
  });
});

/** Shown as they are in every language. */
const NAMES = new Set(["SOS"]);

test("no view has words of its own in its markup", () => {
  const own = sources().flatMap((source) => spelledOut(source).map((text) => `${source.name}: ${text}`));
  expect(own.filter((line) => !NAMES.has(line.split(": ", 2)[1] ?? ""))).toEqual([]);
});

test("words are looked up in the language shown now, and values put in", () => {
  const t = words({ en: { a: "{n} new, {n}" }, ru: { a: "новых: {n}, {n}" }, kk: { a: "жаңа: {n}, {n}" } });
  expect(t("a", { n: 5 })).toBe("5 new, 5");
  language.current = "kk";
  expect(t("a", { n: 5 })).toBe("жаңа: 5, 5");
});

test("a value is put in as it is, also where it looks like a place for one", () => {
  const t = words({ en: { a: "{x} {y}" }, ru: { a: "{x} {y}" }, kk: { a: "{x} {y}" } });
  expect(t("a", { x: "{y} $& $1", y: "<b>" })).toBe("{y} $& $1 <b>");
});
