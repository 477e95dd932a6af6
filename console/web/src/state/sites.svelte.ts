// Every registered site, with what commands of this page answered. There is no watch of sites: they are asked for again and
// again while somebody looks, since an exercise of a whole site is told nowhere else.
import type { Site } from "../gen/sos/registry/v1/registry_pb";
import { refusalOf, type Refusal } from "../wire/refusal";
import { allSites } from "./pages";
import { session } from "./session.svelte";

/** How often they are asked for, in milliseconds. */
const AGAIN_MS = 30_000;
/** How soon after a try that failed, in milliseconds. */
const RETRY_MS = 3_000;

class Sites {
  #all = $state.raw<ReadonlyMap<string, Site>>(new Map());
  /** Counts what was learnt here: an older answer of the server does not undo it. */
  #learnt = 0;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: Promise<void> | undefined;

  /** They have been told at least once. */
  isKnown = $state(false);
  /** Why the last try failed. */
  trouble = $state.raw<Refusal | undefined>();

  /** By their ids, in the order of the ids. */
  get all(): ReadonlyMap<string, Site> {
    return this.#all;
  }

  get(siteId: string): Site | undefined {
    return this.#all.get(siteId);
  }

  /** Keeps them new until what it returns is called. */
  use(): () => void {
    this.#users += 1;
    if (this.#users === 1) void this.#run();
    return () => {
      this.#users -= 1;
      if (this.#users === 0) clearTimeout(this.#timer);
    };
  }

  /** What a command answered. */
  learn(site: Site): void {
    this.#learnt += 1;
    const isNew = !this.#all.has(site.siteId);
    const all = new Map(this.#all).set(site.siteId, site);
    this.#all = isNew ? new Map([...all].sort(([one], [other]) => (one < other ? -1 : 1))) : all;
  }

  /** Asks for all of them, once by however many. */
  load(): Promise<void> {
    this.#asking ??= this.#load().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #load(): Promise<void> {
    const learnt = this.#learnt;
    try {
      const found = await allSites();
      this.trouble = undefined;
      if (learnt !== this.#learnt) return;
      this.#all = new Map(found.map((site) => [site.siteId, this.#same(site)]));
      this.isKnown = true;
    } catch (error) {
      this.trouble = refusalOf(error);
      if (this.trouble.kind === "signedOut") void session.expire();
    }
  }

  /** What did not change stays the same object: nothing that follows from it is done again. */
  #same(site: Site): Site {
    const known = this.#all.get(site.siteId);
    return known !== undefined && said(known) === said(site) ? known : site;
  }

  async #run(): Promise<void> {
    await this.load();
    clearTimeout(this.#timer);
    const isWell = this.isKnown && this.trouble === undefined;
    if (this.#users > 0) this.#timer = setTimeout(() => void this.#run(), isWell ? AGAIN_MS : RETRY_MS);
  }
}

/** All that a site says, to compare by; its points in time have numbers that JSON does not know. */
function said(site: Site): string {
  return JSON.stringify(site, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
}

export const sites = new Sites();
