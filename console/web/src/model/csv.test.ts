import { describe, expect, it } from "vitest";

import { SiteKind, SupervisionClass } from "../gen/sos/registry/v1/registry_pb";
import { FILE_BYTES_MAX, ROWS_MAX, readFile, refusedFile, type BadRow, type FileTrouble, type Table } from "./csv";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function table(file: string | Uint8Array): Table {
  const read = readFile(typeof file === "string" ? bytes(file) : file);
  if ("trouble" in read) throw new Error(read.trouble.code);
  return read;
}

function trouble(file: string | Uint8Array): FileTrouble | undefined {
  const read = readFile(typeof file === "string" ? bytes(file) : file);
  return "trouble" in read ? read.trouble : undefined;
}

const told = (bad: readonly BadRow[]): string[] => bad.map(({ line, column, reason }) => `${line} ${column} ${reason.code}`);

// The same file as the command line is tested with.
const SCHOOLS = `\ufeffname;site_id;kind;latitude;longitude
"Школа; 12";school-12;school;43.2;76.9
x;b;skool;;
x;c;;43.2;
x;d;;north;76
x;school-12;;;
only one field
Hospital;h-1;hospital;;
`;

describe("a file of sites", () => {
  it("gives good rows, and names the bad ones", () => {
    const { kind, good, bad } = table(SCHOOLS);
    expect(kind).toBe("sites");
    expect(good.map(({ line, name }) => [line, name])).toEqual([[2, "school-12"], [8, "h-1"]]);
    expect(good[0]?.entry).toMatchObject({ name: "Школа; 12", kind: SiteKind.SCHOOL, location: { latitude: 43.2, longitude: 76.9 } });
    expect(told(bad)).toEqual(["3 kind choice", "4 longitude alone", "5 latitude number", "6  twice", "7  fields"]);
    expect(bad[3]?.reason).toEqual({ code: "twice", name: "school-12", line: 2 });
    expect(bad[4]?.reason).toEqual({ code: "fields", has: 1, wants: 5 });
  });

  it("is the same however its lines end", () => {
    const here = table(SCHOOLS);
    for (const end of ["\r\n", "\r"]) expect(table(SCHOOLS.replaceAll("\n", end))).toEqual(here);
  });

  it("names lines as an editor counts them", () => {
    const { good, bad } = table('site_id,name,address\n\na,A,"one\ntwo\nthree"\n\nb,,x\n"c","C ""old""",y');
    expect(good.map(({ line, name }) => [line, name])).toEqual([[3, "a"], [8, "c"]]);
    expect(good[0]?.entry).toMatchObject({ address: "one\ntwo\nthree" });
    expect(good[1]?.entry).toMatchObject({ name: 'C "old"' });
    expect(told(bad)).toEqual(["7 name length"]);
  });

  it("names a quotation mark out of place", () => {
    expect(told(table('site_id,name\na,"b" c\nd,e').bad)).toEqual(["2  quotes"]);
  });

  it("tells everything that is wrong in a row", () => {
    expect(told(table("site_id,name,kind\nA,,x").bad)).toEqual(["2 site_id id", "2 name length", "2 kind choice"]);
  });
});

describe("a file of call points", () => {
  it("names cells of another encoding, and takes the other rows", () => {
    const other = [0xd8, 0xea, 0xee];
    const file = Uint8Array.from([
      ...bytes("\ufeffsite_id,device_id,room,supervision_class\nhall,a,"), ...other, ...bytes(",a\nhall,b,r,E\nhall,c,каб. 5,c\n"),
    ]);
    const { kind, good, bad } = table(file);
    expect(kind).toBe("devices");
    expect(told(bad)).toEqual(["2 room encoding", "3 supervision_class choice"]);
    expect(good[0]?.entry).toMatchObject({ supervisionClass: SupervisionClass.C, place: { room: "каб. 5" } });
  });

  it("is told apart by its columns", () => {
    expect(trouble("site_id,room\n")).toEqual({ code: "missing", column: "device_id" });
    expect(trouble("site_id,device_id,color\n")).toMatchObject({ code: "unknownColumn", column: "color" });
    expect(trouble("site_id,site_id\n")).toEqual({ code: "twice", column: "site_id" });
    expect(trouble("site_id\n")).toEqual({ code: "missing", column: "name" });
  });
});

describe("a file that cannot be read", () => {
  it("is told from one that can", () => {
    expect(trouble("")).toEqual({ code: "empty" });
    expect(trouble("\n\n")).toEqual({ code: "empty" });
    expect(trouble("site_id,name\n")).toEqual({ code: "noRows" });
    expect(trouble(Uint8Array.from([0xff, 0xfe, 0x73, 0]))).toEqual({ code: "utf16" });
    expect(trouble(new Uint8Array(FILE_BYTES_MAX + 1))).toEqual({ code: "tooLarge" });
  });

  it("has its limits", () => {
    const rows = Array.from({ length: ROWS_MAX }, (_, at) => `s${at},Школа ${at}`).join("\n");
    expect(table(`site_id,name\n${rows}\n`).good).toHaveLength(ROWS_MAX);
    expect(trouble(`site_id,name\n${rows}\nx,X`)).toEqual({ code: "tooMany" });
  });
});

describe("the file of refused rows", () => {
  it("says why, and is read again once it is put right", () => {
    const read = table('site_id;name\nB;"x; y"\nc;z;1\n');
    const text = refusedFile(read, [...read.bad].reverse(), ({ reason }) => `${reason.code};`);
    expect(text).toBe('\ufeffreason;site_id;name\r\n"id;";B;"x; y"\r\n"fields;";c;z;1\r\n');
    const again = table(text.replace("B;", "b;"));
    expect(again.good.map(({ name }) => name)).toEqual(["b"]);
    expect(refusedFile(again, again.bad, () => "!")).toBe("\ufeffreason;site_id;name\r\n!;c;z;1\r\n");
  });
});
