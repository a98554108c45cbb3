/** How a session's writing begins: anew, or where another writer has left it. */
import { chmodSync, existsSync, mkdtempSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import Database from "better-sqlite3";
import { makeFolder, messageOf, OperationError } from "../core/index.ts";
import { SESSION_FILE, type SessionFacts } from "./session-format.ts";
import { openUnfinished } from "./session-recovery.ts";
import { CHUNK_ROWS, SessionWriter } from "./session-writer.ts";

export interface CreateSessionOptions {
  /** Build in the session's own folder, for a recorder whose data must survive a crash. */
  readonly inPlace?: boolean;
  /** Replace a session that is already there (its folder is removed when the new one is done). */
  readonly replace?: boolean;
}

/**
 * Starts a session that will stand in `folder`. `SESSION_EXISTS` when something stands there that
 * may not be replaced, `SESSION_WRITE` when the folder cannot be written.
 */
export function createSession(
  folder: string,
  facts: SessionFacts,
  options: CreateSessionOptions = {},
): SessionWriter {
  const target = resolve(folder);
  const taken =
    existsSync(target) &&
    readdirSync(target).length > 0 &&
    !(options.inPlace === true && isBlankSession(target));
  if (taken && !(options.replace === true && existsSync(join(target, SESSION_FILE)))) {
    throw new OperationError(
      "SESSION_EXISTS",
      `${folder}: expected a new or empty folder, was one with files in it; ` +
        `choose another name or remove it`,
    );
  }
  let building = target;
  try {
    makeFolder(options.inPlace === true ? target : dirname(target));
    if (options.inPlace !== true) {
      building = mkdtempSync(`${target}.partial-`);
      // mkdtemp makes folders private; a session is as open as the user's other files.
      chmodSync(building, 0o777 & ~process.umask());
    }
  } catch (error) {
    throw new OperationError(
      "SESSION_WRITE",
      `${folder}: expected a folder that can be written, was: ${messageOf(error)}`,
      { cause: error },
    );
  }
  return new SessionWriter(folder, target, building, facts, null);
}

/**
 * Whether a folder holds no more than a database in which nothing stands yet: what a recorder leaves
 * that was killed while it created its session. Only recorders, who build in place, build on it.
 */
export function isBlankSession(folder: string): boolean {
  const file = join(folder, SESSION_FILE);
  if (!existsSync(file)) return false;
  if (readdirSync(folder).some((name) => !name.startsWith(SESSION_FILE))) return false;
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    return db.prepare("SELECT 1 FROM sqlite_master").get() === undefined;
  } catch {
    // Whatever it is, it is something.
    return false;
  } finally {
    db?.close();
  }
}

/**
 * Goes on with a session that was built in place and not finished, as after a crash: everything that
 * was flushed is there. `SESSION_EXISTS` where it is finished, and the codes of `openSession`.
 */
export function resumeSession(folder: string): SessionWriter {
  const target = resolve(folder);
  const left = openUnfinished(folder, CHUNK_ROWS);
  return new SessionWriter(folder, target, target, left.facts, left);
}
