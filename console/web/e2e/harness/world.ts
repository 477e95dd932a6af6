// A small world that is the same each time: three towns, people who press, officers who help.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

import { SiteKind, SupervisionClass, WindowKind } from "../../src/gen/sos/registry/v1/registry_pb";
import { Disposition, ResponseStatus } from "../../src/gen/sos/event/v1/event_pb";
import { alertOf, operator } from "./operator";
import { dies } from "./press";
import type { Stage } from "./stage";

interface Place {
  readonly siteId: string;
  readonly name: string;
  readonly kind: SiteKind;
  readonly address: string;
  readonly region: string;
  readonly at: readonly [latitude: number, longitude: number];
  /** Device id, building, floor, room. */
  readonly points: readonly (readonly [id: string, building: string, floor: string, room: string])[];
}

const { SCHOOL, HOSPITAL, PUBLIC_PLACE } = SiteKind;

const PLACES: readonly Place[] = [
  {
    siteId: "school-12", name: "№ 12 мектеп-гимназия", kind: SCHOOL, address: "Абай даңғылы, 52", region: "Алматы", at: [43.2389, 76.8897],
    points: [["hall-1", "Негізгі корпус", "1-қабат", "Холл"], ["gym-1", "Спорт корпусы", "1-қабат", "Спортзал"], ["room-204", "Негізгі корпус", "2-қабат", "204-бөлме"]],
  },
  {
    siteId: "hospital-1", name: "Городская больница № 1", kind: HOSPITAL, address: "пр. Кабанбай батыра, 17", region: "Астана", at: [51.1282, 71.4304],
    points: [["reception-1", "Корпус А", "1 этаж", "Приёмный покой"], ["ward-3", "Корпус Б", "3 этаж", "Палата 312"]],
  },
  {
    siteId: "park-abay", name: "Абай атындағы саябақ", kind: PUBLIC_PLACE, address: "Тәуке хан даңғылы, 1", region: "Шымкент", at: [42.3174, 69.5969],
    points: [["gate-1", "", "", "Басты қақпа"], ["fountain-1", "", "", "Субұрқақ"]],
  },
  {
    siteId: "station-2", name: "Вокзал Нұрлы жол", kind: PUBLIC_PLACE, address: "ул. Мынжылдык, 1", region: "Астана", at: [51.1124, 71.5311],
    points: [["platform-1", "", "1 этаж", "Платформа 1"], ["cash-1", "Вокзал", "1 этаж", "Кассы"]],
  },
];

/** Alerts of the world that tests ask for by name. */
export interface World {
  /** Nobody has it; it has escalated and is part of an incident. */
  readonly raised: string;
  /** `asel` has it, and a unit is on its way. */
  readonly taken: string;
  /** It was handled to its end. */
  readonly closed: string;
}

async function register({ clients: { registry } }: Stage): Promise<void> {
  for (const { siteId, at: [latitude, longitude], points, ...site } of PLACES) {
    await registry.putSite({ requestId: `site-${siteId}`, site: { ...site, siteId, location: { latitude, longitude } } });
    for (const [deviceId, building, floor, room] of points) {
      const place = { building, floor, room };
      await registry.putDevice({ requestId: `device-${siteId}-${deviceId}`, device: { siteId, deviceId, place, supervisionClass: SupervisionClass.B } });
    }
  }
}

async function handle(stage: Stage): Promise<World> {
  const { buttons, clients } = stage;
  const [asel, daniyar] = [operator(stage.server, "asel").alerts, operator(stage.server, "daniyar").alerts];

  await buttons.press("hospital-1/ward-3", { category: "CATEGORY_POLICE", note: "Посетитель угрожает персоналу." });
  const closed = (await alertOf(clients, "hospital-1/ward-3")).alertId;
  await daniyar.acknowledgeAlert({ alertId: closed, requestId: "1" });
  await daniyar.dispatchUnit({ alertId: closed, requestId: "2", unitId: "Экипаж 102-4" });
  await daniyar.updateResponse({ alertId: closed, requestId: "3", unitId: "Экипаж 102-4", status: ResponseStatus.ON_SCENE });
  await daniyar.addNote({ alertId: closed, requestId: "4", note: "Наряд на месте, посетитель выведен." });
  await daniyar.resolveAlert({ alertId: closed, requestId: "5", disposition: Disposition.GENUINE, note: "Передано полиции." });

  await buttons.press("park-abay/gate-1", { category: "CATEGORY_MEDICAL", note: "Қария құлап қалды." });
  const taken = (await alertOf(clients, "park-abay/gate-1")).alertId;
  await asel.acknowledgeAlert({ alertId: taken, requestId: "6" });
  await asel.dispatchUnit({ alertId: taken, requestId: "7", unitId: "Жедел жәрдем 15" });
  await asel.updateResponse({ alertId: taken, requestId: "8", unitId: "Жедел жәрдем 15", status: ResponseStatus.EN_ROUTE });

  // An incident: three call points of one school, one of them pressed again and again.
  await buttons.press("school-12/hall-1", { category: "CATEGORY_FIRE", note: "Асханадан түтін шығып жатыр." });
  await buttons.press("school-12/gym-1", { category: "CATEGORY_FIRE" });
  await buttons.press("school-12/room-204");
  for (let again = 0; again < 2; again += 1) await buttons.press("school-12/hall-1", { category: "CATEGORY_FIRE" });
  const raised = (await alertOf(clients, "school-12/hall-1")).alertId;
  await daniyar.escalateAlert({ alertId: raised, requestId: "9", reason: "Өрт сөндіру бөлімі керек." });
  return { raised, taken, closed };
}

/** What works badly, and what is only practised. */
async function disturb({ buttons, clients, server }: Stage): Promise<void> {
  await buttons.say("hospital-1/reception-1", "state", { online: true, bootId: "b1", capabilities: ["lamp", "audio"] });
  await buttons.say("hospital-1/reception-1", "health", { batteryPercent: 12, mains: true });
  await alertOf(clients, "hospital-1/reception-1");
  await dies(server, "station-2/cash-1");
  await alertOf(clients, "station-2/cash-1");
  const endsAt = timestampFromMs(Date.now() + 3_600_000);
  await clients.registry.startWindow({
    requestId: "drill", siteId: "station-2", deviceId: "platform-1", kind: WindowKind.EXERCISE, reason: "Плановые учения дежурной смены", endsAt,
  });
  await buttons.press("station-2/platform-1", { category: "CATEGORY_POLICE" });
  await alertOf(clients, "station-2/platform-1");
  // One that nobody registered, silent.
  await buttons.press("kiosk-7/counter-1", { silent: true });
  await alertOf(clients, "kiosk-7/counter-1");
}

/** Peoples a server that has nothing yet. */
export async function peopled(stage: Stage): Promise<World> {
  await register(stage);
  const world = await handle(stage);
  await disturb(stage);
  return world;
}
