// What is wrong with a field, a row or a file, in words; in English as the command line has them.
import { count } from "../../i18n/format";
import { words } from "../../i18n/lang.svelte";
import { FILE_BYTES_MAX, ROWS_MAX, type BadRow, type FileTrouble } from "../../model/csv";
import { REASON_CHARS_MAX, type Reason } from "../../model/registry";

const t = words({
  en: {
    id: "must match [a-z0-9][a-z0-9._-]{0,63}", length: "has {chars} characters, {least} to {most} are allowed", choice: "{value} is none of {choices}",
    number: "{value} is no number", range: "must be from −{most} to {most}", aloneLatitude: "is missing beside a latitude", aloneLongitude: "is missing beside a longitude",
    fields: "has {has} fields, line 1 has {wants}", twice: "{name} is in line {line} already", encoding: "is not UTF-8", quotes: "has a quotation mark out of place",
    line: "line {line}: {reason}", column: "line {line}, column {column}: {reason}",
    tooLarge: "The file is larger than {most} MB.", tooMany: "The file has more than {most} rows.", empty: "The file is empty.",
    noRows: "The file has no rows below its first line.", utf16: "The file is UTF-16. Save it as CSV UTF-8.",
    unknownColumn: "line 1: there is no column {column}; there are {columns}", columnTwice: "line 1: the column {column} is there twice", missing: "line 1: the column {column} is missing",
  },
  ru: {
    id: "должно соответствовать [a-z0-9][a-z0-9._-]{0,63}", length: "знаков: {chars}, допускается от {least} до {most}", choice: "{value}: допустимы только {choices}",
    number: "{value}: не число", range: "должно быть от −{most} до {most}", aloneLatitude: "не указано, хотя есть широта", aloneLongitude: "не указано, хотя есть долгота",
    fields: "полей: {has}, а в строке 1 их {wants}", twice: "{name} уже есть в строке {line}", encoding: "кодировка не UTF-8", quotes: "кавычка не на своём месте",
    line: "строка {line}: {reason}", column: "строка {line}, столбец {column}: {reason}",
    tooLarge: "Файл больше {most} МБ.", tooMany: "В файле больше {most} строк.", empty: "Файл пуст.",
    noRows: "В файле нет строк после заголовка.", utf16: "Файл в кодировке UTF-16. Сохраните его как CSV UTF-8.",
    unknownColumn: "строка 1: неизвестный столбец {column}; допустимы {columns}", columnTwice: "строка 1: столбец {column} повторяется", missing: "строка 1: нет столбца {column}",
  },
  kk: {
    id: "[a-z0-9][a-z0-9._-]{0,63} үлгісіне сай болуы керек", length: "таңба саны: {chars}, {least}–{most} рұқсат етіледі", choice: "{value}: тек {choices} болады",
    number: "{value}: сан емес", range: "−{most} мен {most} аралығында болуы керек", aloneLatitude: "ендік бар, бірақ бұл жоқ", aloneLongitude: "бойлық бар, бірақ бұл жоқ",
    fields: "өріс саны: {has}, ал 1-жолда {wants}", twice: "{name} {line}-жолда бар", encoding: "кодтауы UTF-8 емес", quotes: "тырнақша орнында емес",
    line: "{line}-жол: {reason}", column: "{line}-жол, {column} бағаны: {reason}",
    tooLarge: "Файл {most} МБ-тан үлкен.", tooMany: "Файлда {most} жолдан көп.", empty: "Файл бос.",
    noRows: "Файлда бірінші жолдан кейін жол жоқ.", utf16: "Файл UTF-16 кодтауында. Оны CSV UTF-8 етіп сақтаңыз.",
    unknownColumn: "1-жол: {column} деген баған жоқ; барлары: {columns}", columnTwice: "1-жол: {column} бағаны қайталанады", missing: "1-жол: {column} бағаны жоқ",
  },
});

/** Why a text means nothing. */
export function reasonText(reason: Reason): string {
  switch (reason.code) {
    case "length": return t("length", { chars: count(reason.chars), least: reason.least, most: count(reason.most) });
    case "choice": return t("choice", { value: JSON.stringify(reason.value), choices: reason.choices.join(", ") });
    case "number": return t("number", { value: JSON.stringify(reason.value) });
    case "range": return t("range", { most: reason.most });
    case "alone": return t(reason.beside === "latitude" ? "aloneLatitude" : "aloneLongitude");
    case "fields": return t("fields", { has: reason.has, wants: reason.wants });
    case "twice": return t("twice", { name: reason.name, line: reason.line });
    case "server": return reason.text;
    default: return t(reason.code);
  }
}

/** What is wrong with the reason that somebody gives; nothing if it will do. */
export function wrongReason(text: string): string | undefined {
  const chars = Array.from(text).length;
  const fits = chars >= 1 && chars <= REASON_CHARS_MAX;
  return fits ? undefined : reasonText({ code: "length", chars, least: 1, most: REASON_CHARS_MAX });
}

/** Why a row was not taken, with its line and column. */
export function rowText({ line, column, reason }: BadRow): string {
  return t(column === "" ? "line" : "column", { line, column, reason: reasonText(reason) });
}

/** Why a row was not taken, for a file in which it has another line. */
export function cellText({ column, reason }: BadRow): string {
  return column === "" ? reasonText(reason) : `${column}: ${reasonText(reason)}`;
}

/** Why a file was not read. */
export function troubleText(trouble: FileTrouble): string {
  switch (trouble.code) {
    case "tooLarge": return t("tooLarge", { most: FILE_BYTES_MAX / 2 ** 20 });
    case "tooMany": return t("tooMany", { most: count(ROWS_MAX) });
    case "unknownColumn": return t("unknownColumn", { column: JSON.stringify(trouble.column), columns: trouble.columns.join(", ") });
    case "twice": return t("columnTwice", { column: trouble.column });
    case "missing": return t("missing", { column: trouble.column });
    default: return t(trouble.code);
  }
}
