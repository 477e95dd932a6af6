// What browsers have and Node.js 18 has not.
import { File } from "node:buffer";
import { webcrypto } from "node:crypto";

for (const [name, value] of Object.entries({ crypto: webcrypto, File })) {
  if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value });
}
