// Names travel as UTF-8 in headers, and requests are named once.
import { expect, test } from "vitest";

import { headerText } from "./clients";
import { requestId } from "./ids";

test.each(["asel", "Әсел Қуанышқызы", "Айгүль Ё", "😀"])("%s travels as the bytes of its UTF-8", (name) => {
  const sent = headerText(name);
  expect(Buffer.from(sent, "latin1").toString("utf8")).toBe(name);
  // What a browser takes as a header: one byte a character.
  expect(new Headers({ "sos-operator": sent }).get("sos-operator")).toBe(sent);
});

test("no two requests have one name, and a name is within the limit of the contract", () => {
  const names = Array.from({ length: 1_000 }, requestId);
  expect(new Set(names).size).toBe(names.length);
  expect(names.every((name) => /^[0-9a-f]{32}$/.test(name))).toBe(true);
});
