// The operator contract as the server answers it: what a test compares the screen with.
import type { Alert } from "../../src/gen/sos/alert/v1/alert_pb";
import { connect, type Clients } from "../../src/wire/clients";
import { eventually, type Server } from "./server";

/** The services, asked in somebody's name. */
export function operator(server: Pick<Server, "grpc">, name = "tests", token = ""): Clients {
  return connect(`http://${server.grpc}`, () => ({ operator: token === "" ? name : "", token }));
}

/** Every alert that the server knows. */
export async function allAlerts({ alerts }: Clients): Promise<Alert[]> {
  const found: Alert[] = [];
  for (let pageToken = "", isLast = false; !isLast; ) {
    const page = await alerts.listAlerts({ pageSize: 1_000, pageToken });
    found.push(...page.alerts);
    pageToken = page.nextPageToken;
    isLast = pageToken === "";
  }
  return found;
}

/** The newest alert of a call point, once live state has it. */
export function alertOf(clients: Clients, callPoint: string): Promise<Alert> {
  const [siteId = "", deviceId = ""] = callPoint.split("/");
  return eventually(`an alert of ${callPoint}`, async () => {
    const page = await clients.alerts.listAlerts({ filter: { siteIds: [siteId] }, pageSize: 1_000 });
    return page.alerts.find((alert) => alert.deviceId === deviceId);
  });
}
