// How many tabs of this browser have the console open. Without TLS a browser has six connections to an address, and each tab
// holds one or two of them: with too many, commands wait for ever.

/** With so many, none is left for commands. */
export const TABS_MAX = 3;

const NAME = "sos.console.";
const LOOK_MS = 3_000;

class Tabs {
  count = $state(1);

  start(): void {
    // Only pages that come from this machine or through TLS can ask.
    const locks = globalThis.navigator?.locks;
    if (locks === undefined) return;
    void locks.request(`${NAME}${Math.random()}`, () => new Promise(() => undefined));
    setInterval(() => {
      void locks.query().then(({ held = [] }) => {
        this.count = held.filter(({ name }) => name?.startsWith(NAME)).length;
      });
    }, LOOK_MS);
  }
}

export const tabs = new Tabs();
