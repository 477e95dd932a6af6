// The services of the operator contract, asked over gRPC-Web in somebody's name.
import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { AlertService } from "../gen/sos/alert/v1/alert_service_pb";
import { RegistryService } from "../gen/sos/registry/v1/registry_service_pb";
import { SessionService } from "../gen/sos/session/v1/session_service_pb";

/** Who asks: a name where nobody is authenticated, a token where everybody is. */
export interface Credentials {
  readonly operator: string;
  readonly token: string;
}

export interface Clients {
  readonly alerts: Client<typeof AlertService>;
  readonly registry: Client<typeof RegistryService>;
  readonly session: Client<typeof SessionService>;
}

/** A header holds bytes; names may be in any script and travel as UTF-8. */
export function headerText(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** The services at an address. The credentials are asked for at each call: they may be renewed. */
export function connect(baseUrl: string, credentials: () => Credentials): Clients {
  const signed: Interceptor = (next) => (request) => {
    const { operator, token } = credentials();
    if (token !== "") request.header.set("authorization", `Bearer ${token}`);
    if (operator !== "") request.header.set("sos-operator", headerText(operator));
    return next(request);
  };
  const transport = createGrpcWebTransport({
    baseUrl,
    interceptors: [signed],
    // A certificate of the browser's goes with it, where the server asks for one.
    fetch: (input, init) => fetch(input, { ...init, credentials: "include", cache: "no-store" }),
  });
  return {
    alerts: createClient(AlertService, transport),
    registry: createClient(RegistryService, transport),
    session: createClient(SessionService, transport),
  };
}
