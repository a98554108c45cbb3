/**
 * The folder of a live run: its journal, the status of this second and its history, who runs it, and
 * the file that stops it. Programs beside the run read and write here; none of it decides anything.
 */
import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeFolder, messageOf, OperationError, writeFileAtomically } from "../../core/index.ts";

export interface RunNote {
  readonly pid: number;
  readonly venue: string;
  readonly idPrefix: string;
  readonly startedUs: number;
  /** Null while it runs, or where it was killed. */
  readonly endedUs: number | null;
  /** It was killed, and since then the process beside it has seen to it that no order is left. */
  readonly sweptUs?: number;
}

export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get journal(): string {
    return join(this.path, "journal.db");
  }

  get stopFile(): string {
    return join(this.path, "STOP");
  }

  get statusFile(): string {
    return join(this.path, "status.txt");
  }

  /** Makes the folder, and takes away a stop that was meant for an earlier run. */
  open(note: RunNote): void {
    makeFolder(this.path);
    rmSync(this.stopFile, { force: true });
    this.tell(note);
  }

  tell(note: RunNote): void {
    writeFileAtomically(join(this.path, "run.json"), `${JSON.stringify(note, null, 2)}\n`);
  }

  /** Who runs here, or ran last. `RUN_MISSING` where nobody ever did. */
  note(): RunNote {
    const file = join(this.path, "run.json");
    const missing = (was: string): OperationError =>
      new OperationError(
        "RUN_MISSING",
        `${this.path}: expected the folder of a live run, was: ${was}; "kalshi-gym paper --out" makes one`,
      );
    let note: Partial<RunNote> | null;
    try {
      note = JSON.parse(readFileSync(file, "utf8")) as Partial<RunNote> | null;
    } catch (error) {
      throw missing(messageOf(error));
    }
    const { pid, endedUs } = note ?? {};
    const isNote = Number.isSafeInteger(pid) && (endedUs === null || Number.isSafeInteger(endedUs));
    if (!isNote) throw missing("a run.json that no run wrote");
    return note as RunNote;
  }

  get isStopAsked(): boolean {
    return existsSync(this.stopFile);
  }

  askToStop(by: string): void {
    writeFileAtomically(this.stopFile, `${by}\n`);
  }

  /** The status of now, whole for whoever reads it. Nothing is forced to disk: the next is near. */
  showStatus(text: string): void {
    const beside = `${this.statusFile}.tmp`;
    writeFileSync(beside, text);
    renameSync(beside, this.statusFile);
  }

  status(): string | null {
    return existsSync(this.statusFile) ? readFileSync(this.statusFile, "utf8") : null;
  }

  /** Adds the status to the history. */
  keepStatus(text: string): void {
    appendFileSync(join(this.path, "status.log"), `${text}\n`);
  }

  /** Adds a line to a log beside the journal. */
  log(name: "events.log" | "watchdog.log", line: string): void {
    appendFileSync(join(this.path, name), `${line}\n`);
  }
}

/** Whether a process of this machine runs under that id. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
