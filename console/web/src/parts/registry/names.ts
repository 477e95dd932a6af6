// What the fields of sites and call points are called.
import { words } from "../../i18n/lang.svelte";

export const fieldName = words({
  en: {
    site_id: "Site id", name: "Name", kind: "Kind", address: "Address", region: "Region or district", latitude: "Latitude", longitude: "Longitude",
    device_id: "Call point id", building: "Building", floor: "Floor", room: "Room", supervision_class: "Supervision class",
  },
  ru: {
    site_id: "Код объекта", name: "Название", kind: "Вид", address: "Адрес", region: "Регион", latitude: "Широта", longitude: "Долгота",
    device_id: "Код кнопки", building: "Здание", floor: "Этаж", room: "Помещение", supervision_class: "Класс контроля",
  },
  kk: {
    site_id: "Нысан коды", name: "Атауы", kind: "Түрі", address: "Мекенжайы", region: "Өңір", latitude: "Ендік", longitude: "Бойлық",
    device_id: "Түйме коды", building: "Ғимарат", floor: "Қабат", room: "Бөлме", supervision_class: "Бақылау сыныбы",
  },
});
