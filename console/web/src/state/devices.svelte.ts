// Every call point as it is, followed while a page shows them; what is known stays for the next time.
import type { Device } from "../gen/sos/registry/v1/registry_pb";
import { compareWorst, keyOf, pointOf, type CallPoint } from "../model/devices";
import { paced } from "../model/paced";
import { sites } from "./sites.svelte";
import { session } from "./session.svelte";
import { time } from "./time.svelte";
import { Watch, type Sink } from "./watch.svelte";

/** In a flood of changes, the screen follows at this pace, in milliseconds: all of them are put in order each time. */
const FLOOD_MS = 250;
/** How soon an exercise that is over by itself is seen to be, in milliseconds. */
const WINDOW_MS = 5_000;
/** The watch goes on for so long after a page was left, in milliseconds: most go to the next page that needs it. */
const LINGER_MS = 2_000;

class Devices implements Sink<Device> {
  readonly #all = new Map<string, Device>();
  #points = new Map<string, CallPoint>();
  #fresh: Set<string> | undefined;
  #users = 0;
  #isWatching = false;
  #version = $state(0);
  readonly #shown = paced(FLOOD_MS, () => {
    this.#version += 1;
  });

  readonly watch = new Watch<Device>(
    (afterPosition, signal) => session.clients.registry.watchDevices({ afterPosition }, { signal }),
    this,
    session.logId,
  );

  readonly #windowsAt = $derived(Math.floor(time.now / WINDOW_MS) * WINDOW_MS);

  /** All of them, the worst first. */
  readonly all: readonly CallPoint[] = $derived.by(() => {
    void this.#version;
    const [known, windowsAt] = [sites.all, this.#windowsAt];
    const points = new Map<string, CallPoint>();
    for (const [key, device] of this.#all) {
      points.set(key, pointOf(device, known.get(device.siteId), windowsAt, this.#points.get(key)));
    }
    this.#points = points;
    return [...points.values()].sort(compareWorst);
  });

  get(key: string): Device | undefined {
    void this.#version;
    return this.#all.get(key);
  }

  /** Follows them until what it returns is called. */
  use(): () => void {
    this.#users += 1;
    const release = sites.use();
    if (!this.#isWatching) {
      this.#isWatching = true;
      this.watch.start();
    }
    return () => {
      this.#users -= 1;
      release();
      setTimeout(() => {
        if (this.#users > 0 || !this.#isWatching) return;
        this.#isWatching = false;
        this.watch.stop();
      }, LINGER_MS);
    };
  }

  begin(): void {
    this.#fresh = new Set();
  }

  take(device: Device): void {
    const key = keyOf(device);
    this.#fresh?.add(key);
    this.#all.set(key, device);
    this.#show();
  }

  complete(): void {
    const fresh = this.#fresh;
    this.#fresh = undefined;
    for (const key of this.#all.keys()) if (fresh?.has(key) === false) this.#all.delete(key);
    this.#show();
  }

  /** What a command answered. The watch tells the same, and has the last word: call points do not count their changes. */
  learn(device: Device): void {
    if (this.watch.isLive && this.#all.has(keyOf(device))) return;
    this.#all.set(keyOf(device), device);
    this.#show();
  }

  /** A snapshot is shown when it is complete. */
  #show(): void {
    if (this.#fresh === undefined) this.#shown.soon();
  }
}

export const devices = new Devices();
