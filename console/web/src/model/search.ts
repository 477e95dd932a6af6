// What somebody types into a search field, held against texts. Pure.

/** The words that are sought, in small letters. */
export function wordsOf(sought: string): readonly string[] {
  return sought.toLowerCase().split(/\s+/).filter((word) => word !== "");
}

/** Texts as they are searched through. */
export function searchable(texts: readonly string[]): string {
  return texts.join("\n").toLowerCase();
}

/** Whether a searchable text holds all words. */
export function holds(text: string, words: readonly string[]): boolean {
  return words.every((word) => text.includes(word));
}
