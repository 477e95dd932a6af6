// All three languages: everything is said in them, and they change without loading the page again.
import { expect, test } from "vitest";

import type { Screen } from "./harness/browser";
import { stage } from "./harness/stage";
import { PAGES, settled } from "./harness/views";
import { peopled, type World } from "./harness/world";

let world: World;
const on = stage({}, async (stage) => {
  world = await peopled(stage);
});

const LANGS = { en: "English", ru: "Русский", kk: "Қазақша" } as const;

/** What is never translated: names of things, keys, ids, and what people and devices wrote. */
const SAME = /`[^`]+`|\b(SOS|CSV|GPX?|QR|UTC|WGS|ID|Enter|Esc|Escape|Home|End|PageUp|PageDown|Page|Up|Down|Tab|Shift|Ctrl|Alt|English|asel|daniyar|Leaflet|GeoNames|CC BY|OpenStreetMap|Natural Earth|Natural|Earth)\b|[a-z0-9]+(?:[-._][a-z0-9]+)+|[a-z0-9_-]+\/[a-z0-9_-]+|[a-z_]+_id|[A-Z_]{4,}/gu;

/** Everything that is read on the page: texts, and what is said of pictures and fields. */
function said(): string[] {
  const found: string[] = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (element !== null && element.closest("script, style, noscript, code, pre") === null) found.push(node.textContent ?? "");
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")) {
    for (const name of ["aria-label", "title", "placeholder", "alt"]) found.push(element.getAttribute(name) ?? "");
  }
  return found.map((text) => text.trim()).filter((text) => text !== "");
}

/** What is left of a dictionary that lacks a word, or of a value that was not put in; and what is in another language. */
async function unsaid(screen: Screen, lang: keyof typeof LANGS): Promise<readonly string[]> {
  const texts = await screen.page.evaluate(said);
  const broken = texts.filter((text) => /\{\w+\}|undefined|\[object|NaN|Invalid Date/.test(text));
  const foreign = texts.filter((text) => /\p{Script=Latin}{3}/u.test(text.replaceAll(SAME, "")));
  return lang === "en" ? broken : [...broken, ...foreign];
}

test.each(Object.keys(LANGS) as (keyof typeof LANGS)[])("every page is said in %s", async (lang) => {
  const screen = await on.open({ locale: lang === "en" ? "en-GB" : lang === "ru" ? "ru-KZ" : "kk-KZ", operator: "asel" });
  expect(await screen.page.locator("html").getAttribute("lang")).toBe(lang);
  const found: string[] = [];
  for (const [name, hash] of PAGES(world)) {
    await screen.go(hash);
    await settled(screen, name);
    found.push(...(await unsaid(screen, lang)).map((text) => `${name}: ${text}`));
    await screen.shoot(`${lang}-${name}`);
  }
  expect([...new Set(found)]).toEqual([]);
});

test("the language changes without loading the page again, and is kept", async () => {
  const screen = await on.open({ operator: "asel" });
  await screen.page.evaluate(() => Object.assign(window, { isSamePage: true }));
  await screen.show(world.raised);
  const heard: string[] = [];
  await screen.get("menu").click();
  for (const [lang, name] of Object.entries(LANGS)) {
    await screen.get("language").first().selectOption({ label: name });
    await screen.page.locator(`html[lang="${lang}"]`).waitFor();
    heard.push(await screen.step("acknowledge").innerText());
  }
  expect(new Set(heard).size).toBe(3);
  expect(await screen.page.evaluate(() => "isSamePage" in window)).toBe(true);
  await screen.page.reload();
  await screen.live();
  expect(await screen.page.locator("html").getAttribute("lang")).toBe("kk");
});
