// Names of the countries that are written on the map. Browsers have them too, but not in Kazakh.
import { words } from "../../i18n/lang.svelte";

const t = words({
  en: {
    KZ: "Kazakhstan", RU: "Russia", CN: "China", UZ: "Uzbekistan", TM: "Turkmenistan", KG: "Kyrgyzstan", TJ: "Tajikistan", MN: "Mongolia", AZ: "Azerbaijan",
    AF: "Afghanistan", IR: "Iran", TR: "Türkiye", UA: "Ukraine", IN: "India", US: "United States", CA: "Canada",
  },
  ru: {
    KZ: "Казахстан", RU: "Россия", CN: "Китай", UZ: "Узбекистан", TM: "Туркменистан", KG: "Кыргызстан", TJ: "Таджикистан", MN: "Монголия", AZ: "Азербайджан",
    AF: "Афганистан", IR: "Иран", TR: "Турция", UA: "Украина", IN: "Индия", US: "США", CA: "Канада",
  },
  kk: {
    KZ: "Қазақстан", RU: "Ресей", CN: "Қытай", UZ: "Өзбекстан", TM: "Түрікменстан", KG: "Қырғызстан", TJ: "Тәжікстан", MN: "Моңғолия", AZ: "Әзербайжан",
    AF: "Ауғанстан", IR: "Иран", TR: "Түркия", UA: "Украина", IN: "Үндістан", US: "АҚШ", CA: "Канада",
  },
});

const CODES = ["KZ", "RU", "CN", "UZ", "TM", "KG", "TJ", "MN", "AZ", "AF", "IR", "TR", "UA", "IN", "US", "CA"] as const;

/** The name of a country by its ISO 3166-1 code; the code of one that is not here. */
export function countryName(code: string): string {
  const known = CODES.find((each) => each === code);
  return known === undefined ? code : t(known);
}
