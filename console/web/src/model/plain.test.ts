// A name cannot turn itself round to look like another one.
import { expect, test } from "vitest";

import { plain } from "./plain";

test("signs of direction go, everything else stays", () => {
  expect(plain("school\u202e21\u202c \u2066x\u2069")).toBe("school21 x");
  expect(plain("№ 12 мектеп-гимназия, ӘҒҚҢӨҰҮҺІ 🏫\nекінші жол")).toBe("№ 12 мектеп-гимназия, ӘҒҚҢӨҰҮҺІ 🏫\nекінші жол");
});
