// Which alert the operator is at, and which step they are about to take. The alert is in the address; the step is not.
import type { Verb } from "./actions";
import { route } from "./route.svelte";

class Selection {
  /** The step whose form is open. */
  step = $state<Verb | undefined>();
  #shown: readonly string[] = [];
  /** Where the alert was in the list; its neighbour is there once it is gone. */
  #at = -1;

  /** Rows as they are shown now, for the keys that go up and down. */
  set shown(shown: readonly string[]) {
    this.#shown = shown;
    const at = shown.indexOf(this.alertId);
    if (at >= 0) this.#at = at;
  }

  get alertId(): string {
    return route.param("alert");
  }

  /** Goes to an alert, on the page where alerts are. */
  select(alertId: string): void {
    this.step = undefined;
    if (route.page === "alerts" || route.page === "map") route.set({ alert: alertId }, this.alertId === "" && alertId !== "");
    else route.go("alerts", { alert: alertId });
  }

  /** Goes so many rows down, or up. */
  move(rows: number): void {
    const at = this.#shown.indexOf(this.alertId);
    // The next one has moved into the place of one that is gone.
    const from = at >= 0 ? at : this.#at - Number(rows > 0);
    const next = Math.min(Math.max(from + rows, 0), this.#shown.length - 1);
    const alertId = this.#shown[next];
    if (alertId !== undefined) this.select(alertId);
  }
}

export const selection = new Selection();
