// What roles are called. They are words of the server, not values of an enum.
import { words } from "./lang.svelte";

const name = words({
  en: { viewer: "viewer", operator: "operator", supervisor: "supervisor", auditor: "auditor", tester: "tester", admin: "admin" },
  ru: { viewer: "наблюдатель", operator: "оператор", supervisor: "начальник смены", auditor: "аудитор", tester: "тестировщик", admin: "администратор" },
  kk: { viewer: "бақылаушы", operator: "оператор", supervisor: "ауысым басшысы", auditor: "аудитор", tester: "сынаушы", admin: "әкімші" },
});

const ROLES = ["viewer", "operator", "supervisor", "auditor", "tester", "admin"] as const;

/** A role, as the session names it. */
export function roleName(role: string): string {
  const known = ROLES.find((one) => one === role);
  return known === undefined ? role : name(known);
}
