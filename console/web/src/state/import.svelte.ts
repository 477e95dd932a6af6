// An import of a file: read, compared with what is registered, and sent row by row. It goes on while other pages are shown.
import { Code, ConnectError } from "@connectrpc/connect";

import type { Device, Site } from "../gen/sos/registry/v1/registry_pb";
import { FILE_BYTES_MAX, readFile, type BadRow, type FileTrouble, type GoodRow, type Table } from "../model/csv";
import { DEVICE_FIELDS, SITE_FIELDS, fieldOf, signature, type Reason } from "../model/registry";
import { requestId } from "../wire/ids";
import { refusalOf, type Refusal } from "../wire/refusal";
import { persist } from "./desk.svelte";
import { sites } from "./sites.svelte";
import { allDevices, allSites } from "./pages";
import { session } from "./session.svelte";

/** Requests that are under way at once. */
const AT_ONCE = 16;
/** Rows between two rests of the screen while rows are compared. */
const REST_ROWS = 5_000;

export type Change = "new" | "changed" | "same";

/** A row that can be registered, and what that would do. */
export interface Item {
  readonly row: GoodRow<Site | Device>;
  readonly change: Change;
  /** Names its request, also when it is sent again (P6). */
  readonly requestId: string;
}

type Phase = "none" | "reading" | "ready" | "running" | "done";

class Import {
  phase = $state<Phase>("none");
  fileName = $state("");
  /** Why the file cannot be read at all. */
  trouble = $state.raw<FileTrouble | undefined>();
  /** Why the server could not be asked, or why it stopped. */
  refusal = $state.raw<Refusal | undefined>();
  table = $state.raw<Table | undefined>();
  items = $state.raw<readonly Item[]>([]);
  /** Rows that mean nothing, and those that the server refused. */
  bad = $state.raw<readonly BadRow[]>([]);
  /** How many were to be sent, and how many were. */
  wanted = $state(0);
  taken = $state(0);
  refused = $state(0);
  isStopping = $state(false);
  /** What is to be sent, the next one last. */
  #queue: Item[] = [];
  #file = 0;

  readonly counts: Readonly<Record<Change, number>> = $derived.by(() => {
    const counts = { new: 0, changed: 0, same: 0 };
    for (const { change } of this.items) counts[change] += 1;
    return counts;
  });

  /** How many lines were refused, here or by the server. */
  readonly badLines: number = $derived(new Set(this.bad.map(({ line }) => line)).size);

  async read(file: File): Promise<void> {
    if (this.phase === "running") return;
    const mine = ++this.#file;
    this.#forget();
    this.phase = "reading";
    this.fileName = file.name;
    try {
      // One that is too large is not even looked at.
      const read = file.size > FILE_BYTES_MAX ? { trouble: { code: "tooLarge" as const } } : readFile(new Uint8Array(await file.arrayBuffer()));
      if ("trouble" in read) {
        if (mine === this.#file) this.trouble = read.trouble;
      } else {
        const items = await compare(read);
        if (mine !== this.#file) return;
        this.table = read;
        this.bad = read.bad;
        this.items = items;
        this.#queue = items.filter(({ change }) => change !== "same").reverse();
      }
    } catch (error) {
      if (mine === this.#file) this.#fail(refusalOf(error));
    }
    if (mine === this.#file) this.phase = this.table === undefined ? "none" : "ready";
  }

  /** How many rows are still to be sent. */
  get left(): number {
    return this.wanted === 0 ? this.#queue.length : this.wanted - this.taken - this.refused;
  }

  /** Sends what is left. */
  async run(): Promise<void> {
    if (this.phase !== "ready" && this.phase !== "done") return;
    this.phase = "running";
    this.isStopping = false;
    this.refusal = undefined;
    if (this.wanted === 0) this.wanted = this.#queue.length;
    const bad: BadRow[] = [];
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work(bad)));
    this.bad = [...this.bad, ...bad].sort((one, other) => one.line - other.line);
    this.phase = "done";
    void sites.load();
  }

  /** What is under way is waited for; the rest can be sent later. */
  stop(): void {
    this.isStopping = true;
  }

  async #work(bad: BadRow[]): Promise<void> {
    while (!this.isStopping) {
      const item = this.#queue.pop();
      if (item === undefined) return;
      try {
        await persist((id, timeoutMs) => put(item.row.entry, id, timeoutMs), item.requestId);
        this.taken += 1;
      } catch (error) {
        const against = reasonAgainst(item, error);
        if (against === undefined) {
          // No word against the row: it is sent again when the operator goes on.
          this.#queue.push(item);
          this.#fail(refusalOf(error));
          this.isStopping = true;
        } else {
          bad.push({ line: item.row.line, cells: item.row.cells, ...against });
          this.refused += 1;
        }
      }
    }
  }

  #fail(refusal: Refusal): void {
    this.refusal = refusal;
    if (refusal.kind === "signedOut") void session.expire();
  }

  #forget(): void {
    [this.trouble, this.refusal, this.table] = [undefined, undefined, undefined];
    [this.items, this.bad, this.#queue] = [[], [], []];
    [this.wanted, this.taken, this.refused] = [0, 0, 0];
    this.isStopping = false;
  }
}

/** What each good row would do. */
async function compare(table: Table): Promise<readonly Item[]> {
  const registered = new Map<string, string>();
  if (table.kind === "sites") {
    for (const site of await allSites()) registered.set(site.siteId, signature(site));
  } else {
    const known = (await allDevices()).filter(({ unverified, retired }) => !unverified && !retired);
    for (const device of known) registered.set(`${device.siteId}/${device.deviceId}`, signature(device));
  }
  const items: Item[] = [];
  for (const row of table.good) {
    const known = registered.get(row.name);
    const change = known === undefined ? "new" : known === signature(row.entry) ? "same" : "changed";
    items.push({ row, change, requestId: requestId() });
    if (items.length % REST_ROWS === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  return items;
}

async function put(entry: Site | Device, requestId: string, timeoutMs: number): Promise<void> {
  const { registry } = session.clients;
  if (entry.$typeName === "sos.registry.v1.Site") await registry.putSite({ requestId, site: entry }, { timeoutMs });
  else await registry.putDevice({ requestId, device: entry }, { timeoutMs });
}

/** What the server says against a row; nothing where it is against something else, which ends the import. */
function reasonAgainst(item: Item, error: unknown): { column: string; reason: Reason } | undefined {
  const failure = ConnectError.from(error);
  const refusal = refusalOf(failure);
  if (failure.code === Code.NotFound) return { column: "site_id", reason: { code: "server", text: failure.rawMessage } };
  const field = refusal.kind === "invalid" ? refusal.fields[0] : undefined;
  if (field === undefined) return undefined;
  const fields: readonly string[] = item.row.entry.$typeName === "sos.registry.v1.Site" ? SITE_FIELDS : DEVICE_FIELDS;
  return { column: fieldOf(fields, field.field) ?? "", reason: { code: "server", text: field.description } };
}

export const csvImport = new Import();
