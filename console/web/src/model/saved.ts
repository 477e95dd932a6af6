// Views that an operator gave a name: which parameters of the address they stand for. Pure.

/** More are not kept; the oldest goes. */
export const VIEWS_MAX = 20;
/** Longest name, in characters. */
export const NAME_CHARS_MAX = 60;
/** Longest value of a parameter that is kept, in characters. */
const VALUE_CHARS_MAX = 500;

export interface View {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
}

/** What was written down; what cannot be read is left out. */
export function parseViews(text: string | null): readonly View[] {
  try {
    const views: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(views) ? views.filter(isView).slice(0, VIEWS_MAX) : [];
  } catch {
    return [];
  }
}

function isView(value: unknown): value is View {
  if (typeof value !== "object" || value === null) return false;
  const { name, params } = value as Partial<Record<keyof View, unknown>>;
  if (typeof name !== "string" || typeof params !== "object" || params === null) return false;
  return Object.values(params).every((text) => typeof text === "string");
}

/** The parameters that make up a view, without those that say nothing. */
export function paramsOf(names: readonly string[], param: (name: string) => string): Readonly<Record<string, string>> {
  const all = names.map((name) => [name, param(name).slice(0, VALUE_CHARS_MAX)] as const);
  return Object.fromEntries(all.filter(([, value]) => value !== ""));
}

/** The views with one more; one of the same name is replaced. */
export function withView(views: readonly View[], { name, params }: View): readonly View[] {
  const short = Array.from(name.trim()).slice(0, NAME_CHARS_MAX).join("");
  if (short === "") return views;
  return [...without(views, short), { name: short, params }].slice(-VIEWS_MAX);
}

export function without(views: readonly View[], name: string): readonly View[] {
  return views.filter((view) => view.name !== name);
}
