// What happens when an operator chooses a step: it is done at once, or its form opens.
import type { Alert } from "../gen/sos/alert/v1/alert_pb";
import type { Verb } from "./actions";
import { desk } from "./desk.svelte";
import { selection } from "./selection.svelte";
import { session } from "./session.svelte";

/** Takes a step, or opens its form where it needs more to be said. */
export function take(alert: Alert, verb: Verb): void {
  const { alerts } = session.clients;
  switch (verb) {
    case "acknowledge":
      void desk.act(alert, verb, (target, options) => alerts.acknowledgeAlert(target, options));
      return;
    case "unshelve":
      void desk.act(alert, verb, (target, options) => alerts.unshelveAlert(target, options));
      return;
    default:
      selection.select(alert.alertId);
      selection.step = verb;
  }
}
