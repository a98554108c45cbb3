/**
 * The front door of the importers: recognises what the files are by their content, never by their
 * names, and hands them on.
 */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import { OperationError } from "../core/index.ts";
import { firstBytes, isGzip } from "./feed-file.ts";
import { importFeed } from "./import-feed.ts";
import type { ImportOptions, ImportReport } from "./import-options.ts";
import { importOrderLog, ORDER_LOG_HEAD } from "./import-order-log.ts";

/**
 * Makes a session of recorded files. Errors name file, line and field, and leave nothing behind;
 * `IMPORT_FORM` where the files are of no known form or of several.
 */
export async function importSession(
  paths: readonly string[],
  options: ImportOptions,
): Promise<ImportReport> {
  const forms = new Map<RecordingForm, string>();
  for (const path of paths) forms.set(await recognise(path), path);
  const [form, ...others] = [...forms.keys()];
  if (form === undefined) {
    throw new OperationError("IMPORT_FORM", "expected at least one file to import, was none");
  }
  if (others.length > 0) {
    throw new OperationError(
      "IMPORT_FORM",
      `${[...forms.values()].map((path) => basename(path)).join(" and ")}: expected files of one ` +
        `form, was ${[...forms.keys()].join(" and ")}; import them one by one`,
    );
  }
  if (form === "kalshi-ws") return importFeed(paths, options);
  const [path, second] = paths;
  if (path === undefined || second !== undefined) {
    throw new OperationError(
      "IMPORT_FORM",
      `expected one order log a session, was ${paths.length}; import them one by one`,
    );
  }
  return importOrderLog(path, options);
}

export type RecordingForm = ImportReport["form"];

/** The form of one file, by its first bytes after any compression. */
export async function recognise(path: string): Promise<RecordingForm> {
  const head = (await contentHead(path)).replace(/^\uFEFF/, "").trimStart();
  if (head.startsWith("{")) return "kalshi-ws";
  if (head.startsWith(ORDER_LOG_HEAD)) return "order-log";
  const was = head === "" ? "empty" : JSON.stringify(head.slice(0, 40));
  throw new OperationError(
    "IMPORT_FORM",
    `${basename(path)}:1: expected Kalshi WebSocket messages, one JSON object a line, or an order ` +
      `log beginning "${ORDER_LOG_HEAD}", was ${was}`,
  );
}

async function contentHead(path: string): Promise<string> {
  if (!isGzip(path)) return firstBytes(path, 4_096).toString();
  const source = createReadStream(path);
  const unpacked = source.pipe(createGunzip());
  // A damaged file is left to the importer, which can say after which line.
  source.on("error", (error) => unpacked.destroy(error));
  let head = "";
  try {
    for await (const chunk of unpacked) {
      head += (chunk as Buffer).toString();
      if (head.trimStart().length >= ORDER_LOG_HEAD.length) break;
    }
  } catch (error) {
    if (head === "") {
      throw new OperationError(
        "IMPORT_TRUNCATED",
        `${basename(path)}: expected a complete gzip file, was cut off before its first line`,
        { cause: error },
      );
    }
  } finally {
    source.destroy();
    unpacked.destroy();
  }
  return head;
}
