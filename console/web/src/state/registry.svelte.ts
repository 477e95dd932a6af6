// Commands of whoever keeps the registry: registering, retiring, exercises and tests. What is refused is told at its field.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

import type { Device, Site, WindowKind } from "../gen/sos/registry/v1/registry_pb";
import { requestId } from "../wire/ids";
import { refusalOf, type Refusal } from "../wire/refusal";
import { persist, told } from "./desk.svelte";
import { devices } from "./devices.svelte";
import { sites } from "./sites.svelte";
import { notices } from "./notices.svelte";
import { session } from "./session.svelte";
import { time } from "./time.svelte";

/** Longest exercise or test, in milliseconds: 24 hours, less what the server's clock may be behind what is known of it. */
const WINDOW_MS_MAX = 24 * 3_600_000 - 5_000;

/** What is wrong with which field, in the words of the server; its names have dots. */
export type Refused = readonly { readonly field: string; readonly description: string }[];

/** What became of a command. */
export type Outcome = { readonly done: true } | { readonly done: false; readonly fields: Refused };

/** A site, or a call point of it. */
export interface Scope {
  readonly siteId: string;
  /** Empty: the whole site. */
  readonly deviceId: string;
}

class Registry {
  /** Whether a command is under way. */
  isBusy = $state(false);
  /** A command that nobody answered, by what it says: said again, it is the same request (P6). */
  #unanswered: { readonly what: string; readonly id: string } | undefined;

  putSite(site: Site): Promise<Outcome> {
    const { siteId, name, kind, address, region, location } = site;
    const wire = { siteId, name, kind, address, region, ...(location && { location }) };
    return this.#command(["site", wire], async (requestId, timeoutMs) => {
      const answer = await session.clients.registry.putSite({ requestId, site: wire }, { timeoutMs });
      if (answer.site !== undefined) sites.learn({ ...answer.site, ...withWindow(sites.get(siteId)) });
    });
  }

  putDevice(device: Device): Promise<Outcome> {
    const { siteId, deviceId, place, location, supervisionClass } = device;
    const wire = { siteId, deviceId, supervisionClass, ...(place && { place }), ...(location && { location }) };
    return this.#command(["device", wire], async (requestId, timeoutMs) => {
      const answer = await session.clients.registry.putDevice({ requestId, device: wire }, { timeoutMs });
      if (answer.device !== undefined) devices.learn(answer.device);
    });
  }

  retire({ siteId, deviceId }: Scope, reason: string): Promise<Outcome> {
    return this.#command(["retire", siteId, deviceId, reason], async (requestId, timeoutMs) => {
      const answer = await session.clients.registry.retireDevice({ requestId, siteId, deviceId, reason }, { timeoutMs });
      if (answer.device !== undefined) devices.learn(answer.device);
    });
  }

  /** For so long from now, by the server's clock, in milliseconds. */
  startWindow({ siteId, deviceId }: Scope, kind: WindowKind, reason: string, lengthMs: number): Promise<Outcome> {
    const endsAt = timestampFromMs(Math.floor(time.now) + Math.min(lengthMs, WINDOW_MS_MAX));
    return this.#command(["start", siteId, deviceId, kind, reason, lengthMs], async (requestId, timeoutMs) => {
      const { window } = await session.clients.registry.startWindow({ requestId, siteId, deviceId, kind, reason, endsAt }, { timeoutMs });
      const site = sites.get(siteId);
      if (deviceId === "" && site !== undefined) sites.learn({ ...site, ...(window && { window }) });
    });
  }

  endWindow({ siteId, deviceId }: Scope, reason: string): Promise<Outcome> {
    return this.#command(["end", siteId, deviceId, reason], async (requestId, timeoutMs) => {
      await session.clients.registry.endWindow({ requestId, siteId, deviceId, reason }, { timeoutMs });
      const site = sites.get(siteId);
      if (deviceId !== "" || site === undefined) return;
      const { window: _, ...rest } = site;
      sites.learn(rest);
    });
  }

  /** One at a time: a second click while the first is under way does nothing. */
  async #command(said: unknown, call: (requestId: string, timeoutMs: number) => Promise<void>): Promise<Outcome> {
    if (this.isBusy) return { done: false, fields: [] };
    this.isBusy = true;
    const what = JSON.stringify(said);
    const id = this.#unanswered?.what === what ? this.#unanswered.id : requestId();
    this.#unanswered = undefined;
    try {
      await persist(call, id);
      return { done: true };
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.kind === "unanswered") this.#unanswered = { what, id };
      return { done: false, fields: refused(refusal) };
    } finally {
      this.isBusy = false;
    }
  }
}

function withWindow(site: Site | undefined): Pick<Site, "window"> {
  return site?.window === undefined ? {} : { window: site.window };
}

/** What is said at fields; everything else is told as a notice. */
function refused(refusal: Refusal): Refused {
  if (refusal.kind === "invalid" && refusal.fields.length > 0) return refusal.fields;
  if (refusal.kind === "signedOut") void session.expire();
  notices.add("bad", told(refusal));
  return [];
}

export const registry = new Registry();
