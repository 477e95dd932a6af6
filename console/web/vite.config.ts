// How the console is built. The binary embeds what this writes.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const COMPRESSED = /\.(js|css|html|json|svg)$/;

/** What a browser may have to load at most, in bytes, compressed and without the data of the map. */
const BUDGET = 350_000;

/** Borders and towns are pieces of their own. */
const MAP_DATA = /^assets\/map-data-/;

/** Where the page tells whose work it is made of. */
const LICENCES = "licences.txt";

/** Writes the licences of everything that the page is made of. */
function licences(): Plugin {
  return {
    name: "licences",
    apply: "build",
    generateBundle() {
      const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string> };
      const texts = [...Object.entries(dependencies), ["kdbush", ""] as const].map(([name, version]) => {
        const folder = join("node_modules", name);
        const file = readdirSync(folder).find((entry) => /^licen[sc]e/i.test(entry));
        const { license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { license: string };
        return `${name} ${version}: ${license}\n\n${file === undefined ? "" : readFileSync(join(folder, file), "utf8")}`;
      });
      this.emitFile({ type: "asset", fileName: LICENCES, source: texts.join(`\n${"-".repeat(80)}\n\n`) });
    },
  };
}

/** Writes beside each text a compressed copy, for browsers that take it, and holds the whole to its budget. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    // Of what was written: other plugins change the pieces until the very end.
    writeBundle({ dir = "." }, bundle) {
      let total = 0;
      for (const fileName of Object.keys(bundle)) {
        const plain = readFileSync(join(dir, fileName));
        const packed = COMPRESSED.test(fileName) ? gzipSync(plain, { level: 9 }) : plain;
        if (packed !== plain) writeFileSync(join(dir, `${fileName}.gz`), packed);
        if (fileName !== LICENCES && !MAP_DATA.test(fileName)) total += packed.length;
      }
      this.info(`${total} bytes compressed, of ${BUDGET}`);
      if (total > BUDGET) this.error(`the console has ${total} bytes compressed, ${BUDGET} are allowed`);
    },
  };
}

export default defineConfig({
  plugins: [svelte(), licences(), compressed()],
  build: {
    target: "es2022",
    outDir: process.env["SOS_CONSOLE_OUT"] ?? "dist",
    emptyOutDir: true,
    // Strict Content-Security-Policy: nothing is inlined, neither scripts nor pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        // The data of the map is told apart by its name.
        chunkFileNames: (chunk) => (chunk.moduleIds.some((id) => id.includes("/src/data/")) ? "assets/map-data-[hash].js" : "assets/[name]-[hash].js"),
      },
    },
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "node",
    setupFiles: ["src/testing/setup.ts"],
    // As the browser gets it: runes are alive there.
    testTransformMode: { web: ["**/src/**"] },
  },
});
