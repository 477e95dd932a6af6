// All registered sites, asked for page by page; there is no watch of them.
import type { Site } from "../gen/sos/registry/v1/registry_pb";
import { refusalOf, type Refusal } from "../wire/refusal";
import { session } from "./session.svelte";

/** Sites that the server gives at once. */
const PAGE_SIZE = 1_000;

/** More are not shown; the page says so. */
export const SITES_MAX = 20_000;

/** How often they are asked for again, in milliseconds. */
const REFRESH_MS = 300_000;
const TIMEOUT_MS = 15_000;

class Sites {
  #asking: Promise<void> | undefined;

  /** By site id; what was known stays where asking again fails. */
  all = $state.raw<ReadonlyMap<string, Site>>(new Map());
  /** Whether they have come at least once. */
  isKnown = $state(false);
  /** Whether there are more than are shown. */
  isCut = $state(false);
  isAsking = $state(false);
  /** Why the last try failed. */
  trouble = $state.raw<Refusal | undefined>();

  /** Asks now and from time to time; answers how to stop. */
  follow(): () => void {
    void this.load();
    const timer = setInterval(() => void this.load(), REFRESH_MS);
    return () => clearInterval(timer);
  }

  load(): Promise<void> {
    this.#asking ??= this.#load().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #load(): Promise<void> {
    if (!session.may("RegistryService/ListSites")) return;
    this.isAsking = true;
    try {
      const all = new Map<string, Site>();
      let pageToken = "";
      do {
        const page = await session.clients.registry.listSites({ pageSize: PAGE_SIZE, pageToken }, { timeoutMs: TIMEOUT_MS });
        for (const site of page.sites) all.set(site.siteId, site);
        pageToken = page.nextPageToken;
      } while (pageToken !== "" && all.size < SITES_MAX);
      this.all = all;
      this.isCut = pageToken !== "";
      this.isKnown = true;
      this.trouble = undefined;
    } catch (error) {
      this.trouble = refusalOf(error);
      if (this.trouble.kind === "signedOut") session.expire();
    } finally {
      this.isAsking = false;
    }
  }
}

export const sites = new Sites();
