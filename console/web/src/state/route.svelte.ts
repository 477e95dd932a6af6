// What the address bar says: which view, and everything that a saved view needs to come back as it was.

export const PAGES = ["alerts", "map", "devices", "registry", "shift", "report"] as const;
export type Page = (typeof PAGES)[number];
export type Params = Readonly<Record<string, string>>;

/** The page and the parameters of a hash such as `#/alerts?q=school`. */
export function parse(hash: string): { page: Page; params: Params } {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const page = PAGES.find((known) => known === path) ?? "alerts";
  return { page, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** The hash of a page with parameters; those that are empty are left out. */
export function href(page: Page, params: Params = {}): string {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== "")).toString();
  return query === "" ? `#/${page}` : `#/${page}?${query}`;
}

class Route {
  #here = $state.raw(parse(globalThis.location?.hash ?? ""));

  constructor() {
    globalThis.addEventListener?.("hashchange", () => {
      this.#here = parse(location.hash);
    });
  }

  get page(): Page {
    return this.#here.page;
  }

  /** A parameter; empty where the address has none. */
  param(name: string): string {
    return this.#here.params[name] ?? "";
  }

  /** Goes to another page. */
  go(page: Page, params: Params = {}): void {
    location.hash = href(page, params);
  }

  /** Changes parameters of this page; a step in the browser's history is one that "back" undoes. */
  set(changes: Params, isStep = false): void {
    const hash = href(this.page, { ...this.#here.params, ...changes });
    if (isStep) history.pushState(null, "", hash);
    else history.replaceState(null, "", hash);
    this.#here = parse(hash);
  }
}

export const route = new Route();
