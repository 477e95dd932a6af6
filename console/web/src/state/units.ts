// Units that were sent from this browser before, to be offered again.

const KEY = "sos.units";
const UNITS_MAX = 30;

function known(): readonly string[] {
  try {
    const saved: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(saved) ? saved.filter((unit): unit is string => typeof unit === "string").slice(0, UNITS_MAX) : [];
  } catch {
    return [];
  }
}

export const units = {
  known,
  /** The newest comes first. */
  remember(unit: string): void {
    const all = [unit, ...known().filter((other) => other !== unit)].slice(0, UNITS_MAX);
    localStorage.setItem(KEY, JSON.stringify(all));
  },
};
