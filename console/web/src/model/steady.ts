// A list that does not move under the mouse. Pure.

interface Identified {
  readonly alertId: string;
}

/**
 * What is shown while the order is held: what was there stays where it was, in its newest form and also where it has gone from
 * the list meanwhile; what is new comes behind it.
 */
export function steady<Item extends Identified>(order: readonly string[], shown: readonly Item[], known: (alertId: string) => Item | undefined): readonly Item[] {
  const held = new Set(order);
  const kept = order.map(known).filter((item) => item !== undefined);
  return [...kept, ...shown.filter(({ alertId }) => !held.has(alertId))];
}
