// How the console is built. The binary embeds what this writes.
import { gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const COMPRESSED = /\.(js|css|html|json|svg)$/;

/** What a browser may have to load at most, in bytes, compressed and without the data of the map. */
const BUDGET = 350_000;

/** Borders and towns are pieces of their own. */
const MAP_DATA = /^assets\/map-data-/;

/** Writes beside each text a compressed copy, for browsers that take it, and holds the whole to its budget. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      let total = 0;
      for (const [fileName, file] of Object.entries(bundle)) {
        const plain = file.type === "chunk" ? file.code : file.source;
        const source = COMPRESSED.test(fileName) ? gzipSync(plain, { level: 9 }) : undefined;
        if (source !== undefined) this.emitFile({ type: "asset", fileName: `${fileName}.gz`, source });
        if (!MAP_DATA.test(fileName)) total += source?.length ?? plain.length;
      }
      this.info(`${total} bytes compressed, of ${BUDGET}`);
      if (total > BUDGET) this.error(`the console has ${total} bytes compressed, ${BUDGET} are allowed`);
    },
  };
}

export default defineConfig({
  plugins: [svelte(), compressed()],
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
  test: { include: ["src/**/*.test.ts"], environment: "node", testTransformMode: { web: ["**/src/**"] } },
});
