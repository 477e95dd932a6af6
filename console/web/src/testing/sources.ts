// The console's own sources, read for what is said in them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { parse } from "svelte/compiler";
import ts from "typescript";

const ROOT = join(process.cwd(), "src");

interface Source {
  /** Its path below `src`. */
  readonly name: string;
  readonly text: string;
}

/** Every source that is written by hand, but the tests. */
export function sources(): readonly Source[] {
  return files("")
    .filter((name) => /\.(ts|svelte)$/.test(name) && !/^(gen|testing)\b|\.test\.ts$/.test(name))
    .map((name) => ({ name, text: readFileSync(join(ROOT, name), "utf8") }));
}

function files(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

/** A dictionary as it stands in a source: language → key → text. */
export interface Dictionary {
  readonly where: string;
  readonly texts: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Every `words({…})` of a source. */
export function dictionaries({ name, text }: Source): readonly Dictionary[] {
  const script = name.endsWith(".svelte") ? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((found) => found[1]).join("\n") : text;
  const file = ts.createSourceFile(name, script, ts.ScriptTarget.ES2022, true);
  const found: Dictionary[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === "words") {
      const [argument] = node.arguments;
      if (argument !== undefined) found.push({ where: name, texts: mapOf(argument, (texts) => mapOf(texts, literal)) });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function mapOf<Value>(node: ts.Expression, value: (node: ts.Expression) => Value): ReadonlyMap<string, Value> {
  if (!ts.isObjectLiteralExpression(node)) throw new Error(`not spelt out: ${node.getText()}`);
  return new Map(
    node.properties.map((property) => {
      if (!ts.isPropertyAssignment(property)) throw new Error(`not spelt out: ${property.getText()}`);
      const key = ts.isIdentifier(property.name) || ts.isStringLiteral(property.name) ? property.name.text : property.name.getText();
      return [key, value(property.initializer)];
    }),
  );
}

function literal(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) return literal(node.left) + literal(node.right);
  throw new Error(`not a text: ${node.getText()}`);
}

/** Attributes that are read out or shown. */
const SPOKEN = new Set(["alt", "title", "placeholder", "aria-label", "aria-description", "aria-roledescription", "aria-valuetext"]);

/** Letters that stand in the markup of a view itself, and therefore in one language only. */
export function spelledOut({ name, text }: Source): readonly string[] {
  if (!name.endsWith(".svelte")) return [];
  const found: string[] = [];
  const visit = (node: unknown, isSpoken: boolean): void => {
    if (Array.isArray(node)) for (const child of node) visit(child, isSpoken);
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    const { type, name: attribute, data } = node as { type?: string; name?: string; data?: string };
    if (type === "Text" && isSpoken && data !== undefined) found.push(data.trim());
    const isOfAttribute = type === "Attribute" ? SPOKEN.has(attribute ?? "") : isSpoken && type !== "StyleDirective";
    // What is typed on keys is the same in every language.
    if (type === "RegularElement" && (attribute === "kbd" || attribute === "style" || attribute === "script")) return;
    for (const child of Object.values(node)) visit(child, isOfAttribute);
  };
  visit(parse(text, { modern: true }).fragment, true);
  return found.filter((words) => /\p{L}{2}/u.test(words));
}
