// Closed alerts of before this page was opened: asked for page by page, the newest opening first.
import { AlertState, type Alert } from "../gen/sos/alert/v1/alert_pb";
import { refusalOf, type Refusal } from "../wire/refusal";
import { feed } from "./feed.svelte";
import { session } from "./session.svelte";

const PAGE_SIZE = 500;
const TIMEOUT_MS = 10_000;

class Closed {
  #found = $state.raw<readonly Alert[]>([]);
  #next = "";

  isAsking = $state(false);
  /** There are older ones. */
  hasMore = $state(true);
  trouble = $state.raw<Refusal | undefined>();

  /** Those that were asked for, and those that were closed meanwhile. */
  readonly all: readonly Alert[] = $derived.by(() => {
    const newest = new Map(this.#found.map((alert) => [alert.alertId, alert]));
    for (const alert of feed.closed) newest.set(alert.alertId, alert);
    for (const alert of feed.open) newest.delete(alert.alertId);
    return [...newest.values()];
  });

  /** Asks for the first page, unless it is there. */
  begin(): void {
    if (this.#found.length === 0 && this.hasMore) void this.more();
  }

  /** Asks for the next page. */
  async more(): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    try {
      const filter = { states: [AlertState.RESOLVED] };
      const page = await session.clients.alerts.listAlerts({ filter, pageSize: PAGE_SIZE, pageToken: this.#next }, { timeoutMs: TIMEOUT_MS });
      this.#found = [...this.#found, ...page.alerts];
      this.#next = page.nextPageToken;
      this.hasMore = page.nextPageToken !== "";
      this.trouble = undefined;
    } catch (error) {
      this.trouble = refusalOf(error);
    } finally {
      this.isAsking = false;
    }
  }
}

export const closed = new Closed();
