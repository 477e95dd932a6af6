// Lists of the registry that come in pages, asked for whole.
import type { Device, Site } from "../gen/sos/registry/v1/registry_pb";
import { session } from "./session.svelte";

const TIMEOUT_MS = 10_000;
const PAGE_SIZE = 1_000;
/** More are not asked for: a server that goes on for ever is broken. */
const PAGES_MAX = 1_000;

/** Follows pages to the last one. */
async function pages<Item>(ask: (pageToken: string) => Promise<{ items: readonly Item[]; nextPageToken: string }>): Promise<Item[]> {
  const all: Item[] = [];
  let pageToken = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await ask(pageToken);
    for (const item of answer.items) all.push(item);
    pageToken = answer.nextPageToken;
    if (pageToken === "") return all;
  }
  throw new Error(`more than ${PAGES_MAX} pages`);
}

/** Every site, as the server has it now. */
export function allSites(): Promise<Site[]> {
  const { registry } = session.clients;
  return pages(async (pageToken) => {
    const { sites, nextPageToken } = await registry.listSites({ pageSize: PAGE_SIZE, pageToken }, { timeoutMs: TIMEOUT_MS });
    return { items: sites, nextPageToken };
  });
}

/** Every call point, as the server has it now. */
export function allDevices(): Promise<Device[]> {
  const { registry } = session.clients;
  return pages(async (pageToken) => {
    const { devices, nextPageToken } = await registry.listDevices({ pageSize: PAGE_SIZE, pageToken }, { timeoutMs: TIMEOUT_MS });
    return { items: devices, nextPageToken };
  });
}
