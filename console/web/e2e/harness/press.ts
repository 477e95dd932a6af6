// Call points: what they say over MQTT, awaited until the broker says that it is durable (P1).
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";

import type { Server } from "./server";

const VERSION = { protocolVersion: 5, clean: true, reconnectPeriod: 200 } as const satisfies IClientOptions;

/** What a press says, in the canonical JSON of its message. */
export interface Press {
  readonly category?: "CATEGORY_POLICE" | "CATEGORY_MEDICAL" | "CATEGORY_FIRE";
  readonly silent?: boolean;
  readonly note?: string;
}

export class Buttons {
  private constructor(private readonly client: MqttClient) {}

  /** One connection for any number of call points; without authentication a device may be any. */
  static async connect(server: Server): Promise<Buttons> {
    return new Buttons(await connectAsync(`mqtt://${server.mqtt}`, VERSION));
  }

  /** Somebody presses at `site/device`. */
  async press(callPoint: string, press: Press = {}): Promise<void> {
    await this.say(callPoint, "event", { press });
  }

  /** Sends any message to a topic of the call point; answers when it was acknowledged. */
  async say(callPoint: string, topic: "event" | "state" | "health", message: object): Promise<void> {
    const acknowledged = await this.client.publishAsync(`sos/v1/${callPoint}/${topic}`, JSON.stringify(message), { qos: 1, retain: topic === "state" });
    const reason = (acknowledged as { reasonCode?: number } | undefined)?.reasonCode ?? 0;
    if (reason >= 0x80) throw new Error(`refused with ${reason}: ${callPoint} ${topic}`);
  }

  async close(): Promise<void> {
    await this.client.endAsync(true);
  }
}

/** A call point that is connected, says so, and whose connection then breaks: its last will tells. */
export async function dies(server: Server, callPoint: string): Promise<void> {
  const topic = `sos/v1/${callPoint}/state`;
  const state = (online: boolean): string => JSON.stringify({ online, bootId: "b1", capabilities: ["lamp", "audio"] });
  const client = await connectAsync(`mqtt://${server.mqtt}`, {
    ...VERSION, reconnectPeriod: 0, clientId: callPoint, will: { topic, payload: Buffer.from(state(false)), qos: 1, retain: true },
  });
  await client.publishAsync(topic, state(true), { qos: 1, retain: true });
  client.stream.destroy();
}
