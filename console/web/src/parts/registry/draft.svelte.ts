// What was typed into a form of the registry, and what is wrong with it: here, or by the word of the server.
import { fieldOf, type Read, type Texts } from "../../model/registry";
import { notices } from "../../state/notices.svelte";
import type { Outcome } from "../../state/registry.svelte";
import { reasonText } from "./reasons";

export class Draft<Field extends string> {
  readonly #fields: readonly Field[];
  /** As typed. */
  texts: Record<Field, string>;
  /** What is wrong, by field. */
  bad = $state.raw<Partial<Record<Field, string>>>({});

  constructor(fields: readonly Field[], texts: Texts<Field>) {
    this.#fields = fields;
    const typed = $state({ ...texts });
    this.texts = typed;
  }

  /** What is meant: without blanks around it, and with the decimal point of the contract. */
  #meant(field: Field): string {
    const text = this.texts[field].trim();
    return field === "latitude" || field === "longitude" ? text.replace(",", ".") : text;
  }

  /** Sends it if nothing is wrong with it. Answers whether it was done. */
  async submit<Value>(read: (text: (field: Field) => string) => Read<Value, Field>, send: (value: Value) => Promise<Outcome>): Promise<boolean> {
    const result = read((field) => this.#meant(field));
    if ("bad" in result) {
      this.bad = first(result.bad.map(({ field, reason }) => [field, reasonText(reason)]));
      return false;
    }
    this.bad = {};
    const outcome = await send(result.value);
    if (outcome.done) return true;
    const told = outcome.fields.map(({ field, description }) => ({ field: fieldOf(this.#fields, field), text: description, name: field }));
    this.bad = first(told.flatMap(({ field, text }) => (field === undefined ? [] : [[field, text] as const])));
    for (const { field, text, name } of told) if (field === undefined) notices.add("bad", `${name}: ${text}`);
    return false;
  }
}

/** The first word against each field. */
function first<Field extends string>(told: readonly (readonly [Field, string])[]): Partial<Record<Field, string>> {
  const bad: Partial<Record<Field, string>> = {};
  for (const [field, text] of told) bad[field] ??= text;
  return bad;
}

/** Puts the cursor where something is wrong, once the page shows it. */
export function focusBad(form: HTMLElement): void {
  requestAnimationFrame(() => form.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
}
