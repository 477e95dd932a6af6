// A CSV file of sites or call points, read as the command line reads it: a row that means nothing is reported with its line
// and column, and the others are taken. Pure.
import Papa from "papaparse";

import type { Device, Site } from "../gen/sos/registry/v1/registry_pb";
import { keyOf } from "./devices";
import { DEVICE_FIELDS, REQUIRED, SITE_FIELDS, readDevice, readSite, type Read, type Reason } from "./registry";

/** Largest file, in bytes. */
export const FILE_BYTES_MAX = 10 * 1024 * 1024;
/** Most rows of a file. */
export const ROWS_MAX = 100_000;
/** A column that is passed over: files of refused rows have it, and are read again once they are put right. */
const REASON_COLUMN = "reason";

/** Why a row was not taken. */
export interface BadRow {
  /** Its line in the file, from 1. */
  readonly line: number;
  /** The column. Empty: the whole row. */
  readonly column: string;
  readonly reason: Reason;
  readonly cells: readonly string[];
}

/** A row that can be registered. */
export interface GoodRow<Entry> {
  readonly line: number;
  readonly name: string;
  readonly entry: Entry;
  readonly cells: readonly string[];
}

interface Rows<Kind extends string, Entry> {
  readonly kind: Kind;
  readonly columns: readonly string[];
  readonly delimiter: string;
  readonly good: readonly GoodRow<Entry>[];
  readonly bad: readonly BadRow[];
}

/** What a file holds. */
export type Table = Rows<"sites", Site> | Rows<"devices", Device>;

/** Why no row of a file was looked at. */
export type FileTrouble =
  | { readonly code: "tooLarge" | "tooMany" | "empty" | "noRows" | "utf16" }
  | { readonly code: "unknownColumn"; readonly column: string; readonly columns: readonly string[] }
  | { readonly code: "twice" | "missing"; readonly column: string };

interface Kind<Entry> {
  readonly fields: readonly string[];
  readonly read: (text: (field: string) => string) => Read<Entry, string>;
  readonly name: (entry: Entry) => string;
}

const SITES: Kind<Site> = { fields: SITE_FIELDS, read: readSite, name: ({ siteId }) => siteId };
const DEVICES: Kind<Device> = { fields: DEVICE_FIELDS, read: readDevice, name: keyOf };

interface Line {
  readonly line: number;
  readonly cells: readonly string[];
  readonly isQuotedBadly: boolean;
}

/** Reads a file. Its first line names the columns, in any order, and tells whether it is of sites or of call points. */
export function readFile(bytes: Uint8Array): Table | { readonly trouble: FileTrouble } {
  if (bytes.length > FILE_BYTES_MAX) return { trouble: { code: "tooLarge" } };
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return { trouble: { code: "utf16" } };
  const { text, decode } = textOf(bytes);
  const [header = ""] = text.split("\n", 1);
  const delimiter = header.includes(";") && !header.includes(",") ? ";" : ",";
  const [first, ...lines] = split(text, delimiter);
  if (first === undefined) return { trouble: { code: "empty" } };
  if (lines.length > ROWS_MAX) return { trouble: { code: "tooMany" } };
  const columns = first.cells.map((cell) => (decode(cell) ?? cell).trim());
  // Columns that only call points have; `site_id` alone is not told apart from a file of sites that lacks names.
  const isDevices = columns.some((column) => !has(SITE_FIELDS, column) && has(DEVICE_FIELDS, column));
  const trouble = columnTrouble(isDevices ? DEVICE_FIELDS : SITE_FIELDS, columns) ?? (lines.length === 0 ? { code: "noRows" } : undefined);
  if (trouble !== undefined) return { trouble };
  return isDevices
    ? { kind: "devices", columns, delimiter, ...rows(DEVICES, columns, lines, decode) }
    : { kind: "sites", columns, delimiter, ...rows(SITES, columns, lines, decode) };
}

function has(fields: readonly string[], column: string): boolean {
  return fields.includes(column);
}

type Decode = (cell: string) => string | undefined;

/**
 * The text of a file, with lines that end alike. One that is not UTF-8 is taken byte by byte, so that each of its cells can be
 * decoded alone, and those that cannot be named.
 */
function textOf(bytes: Uint8Array): { text: string; decode: Decode } {
  const alike = (text: string): string => text.replace(/\r\n?/g, "\n");
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  try {
    return { text: alike(utf8.decode(bytes)), decode: (cell) => cell };
  } catch {
    const begin = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    const decode: Decode = (cell) => {
      try {
        return utf8.decode(Uint8Array.from(cell, (char) => char.charCodeAt(0)));
      } catch {
        return undefined;
      }
    };
    return { text: alike(binary(bytes.subarray(begin))), decode };
  }
}

/** One character for each byte. */
function binary(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return text;
}

/** The lines that say something. */
function split(text: string, delimiter: string): Line[] {
  const lines: Line[] = [];
  let [begin, line] = [0, 1];
  Papa.parse<string[]>(text, {
    delimiter,
    newline: "\n",
    step: ({ data: cells, errors, meta }, parser) => {
      if (cells.length > 1 || cells[0] !== "") lines.push({ line, cells, isQuotedBadly: errors.length > 0 });
      for (let at = text.indexOf("\n", begin); at >= 0 && at < meta.cursor; at = text.indexOf("\n", at + 1)) line += 1;
      begin = meta.cursor;
      // The first line, all that may be, and one that is too much.
      if (lines.length > ROWS_MAX + 1) parser.abort();
    },
  });
  return lines;
}

function columnTrouble(fields: readonly string[], columns: readonly string[]): FileTrouble | undefined {
  for (const [index, column] of columns.entries()) {
    if (!has(fields, column) && column !== REASON_COLUMN) return { code: "unknownColumn", column, columns: fields };
    if (columns.indexOf(column) < index) return { code: "twice", column };
  }
  const missing = fields.slice(0, REQUIRED).find((field) => !has(columns, field));
  return missing === undefined ? undefined : { code: "missing", column: missing };
}

function rows<Entry>(kind: Kind<Entry>, columns: readonly string[], lines: readonly Line[], decode: Decode): { good: GoodRow<Entry>[]; bad: BadRow[] } {
  const good: GoodRow<Entry>[] = [];
  const bad: BadRow[] = [];
  const seen = new Map<string, number>();
  const at = new Map(columns.map((column, index) => [column, index]));
  for (const { line, cells: raw, isQuotedBadly } of lines) {
    const cells = raw.map((cell) => decode(cell)?.trim());
    const shown = cells.map((cell) => cell ?? "\ufffd");
    const refuse = (column: string, reason: Reason): void => void bad.push({ line, column, reason, cells: shown });
    const undecoded = cells.indexOf(undefined);
    if (isQuotedBadly) refuse("", { code: "quotes" });
    else if (raw.length !== columns.length) refuse("", { code: "fields", has: raw.length, wants: columns.length });
    else if (undecoded >= 0) refuse(columns[undecoded] ?? "", { code: "encoding" });
    else {
      const read = kind.read((field) => shown[at.get(field) ?? -1] ?? "");
      if ("bad" in read) {
        for (const { field, reason } of read.bad) refuse(field, reason);
        continue;
      }
      const name = kind.name(read.value);
      const first = seen.get(name);
      if (first === undefined) good.push({ line, name, entry: read.value, cells: shown });
      else refuse("", { code: "twice", name, line: first });
      seen.set(name, first ?? line);
    }
  }
  return { good, bad };
}

/** Rows that were not taken, as a file: why, then what they said. Spreadsheets need the byte order mark. */
export function refusedFile(table: Pick<Table, "columns" | "delimiter">, bad: readonly BadRow[], say: (row: BadRow) => string): string {
  const reasons = new Map<number, { cells: readonly string[]; reasons: string[] }>();
  for (const row of bad) {
    const found = reasons.get(row.line) ?? { cells: row.cells, reasons: [] };
    found.reasons.push(say(row));
    reasons.set(row.line, found);
  }
  const own = table.columns.indexOf(REASON_COLUMN);
  const others = (cells: readonly string[]): readonly string[] => cells.filter((_, index) => index !== own);
  const lines = [...reasons].sort(([one], [other]) => one - other).map(([, row]) => [row.reasons.join("; "), ...others(row.cells)]);
  const data = [[REASON_COLUMN, ...others(table.columns)], ...lines];
  return `\ufeff${Papa.unparse(data, { delimiter: table.delimiter, newline: "\r\n" })}\r\n`;
}
