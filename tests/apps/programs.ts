/** The program as a user starts it: exchanges, recorders and runs in processes of their own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { bundle } from "../fixtures/bundle.mjs";

export interface Addresses {
  readonly rest: string;
  readonly ws: string;
  readonly keyId: string;
  readonly keyFile: string;
}

export interface End {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<End>;
  /** Resolves when standard output or error has said this. */
  said(text: string): Promise<void>;
}

export class Programs {
  #program = "";
  readonly #running = new Set<ChildProcess>();

  /** Makes the program of the sources as they are; call it before anything else. */
  async make(): Promise<void> {
    this.#program = await bundle("src/apps/main.ts");
  }

  /** Starts a command; `before` are words that stand before Node's own, such as those of a limit. */
  launch(
    words: readonly string[],
    before: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
  ): Running {
    const [command = process.execPath, ...rest] = [...before, process.execPath, this.#program];
    const child = spawn(command, [...rest, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], ...environment },
    });
    this.#running.add(child);
    let out = "";
    let err = "";
    let look = (): void => undefined;
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
      look();
    });
    child.stderr.on("data", (data: Buffer) => {
      err += data.toString();
      look();
    });
    const ended = new Promise<End>((resolve) => {
      child.on("close", (code) => {
        this.#running.delete(child);
        resolve({ code, out, err });
        look();
      });
    });
    const said = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        look = () => {
          if (out.includes(text) || err.includes(text)) resolve();
          else if (!this.#running.has(child)) reject(new Error(`ended: ${out}${err}`));
        };
        look();
      });
    return { child, ended, said };
  }

  /** Starts an exchange and waits until it listens. */
  async exchange(...words: string[]): Promise<Running & { readonly addresses: Addresses }> {
    const running = this.launch(["exchange", ...words, "--json"]);
    let text = "";
    running.child.stdout?.on("data", (data: Buffer) => (text += data.toString()));
    await running.said("}\n");
    return { ...running, addresses: JSON.parse(text) as Addresses };
  }

  /** Ids of processes of this program, by what stands behind it and whose child it is. */
  find({ words = "", of }: { words?: string; of?: number | undefined } = {}): number[] {
    const format = ["-eo", "pid=,ppid=,args=", "-ww"];
    const lines = execFileSync("ps", format, { encoding: "utf8" }).split("\n");
    return lines.flatMap((line) => {
      const [pid = "", parent = "", ...rest] = line.trim().split(/ +/);
      const isMeant = line.includes(this.#program) && rest.join(" ").includes(words);
      return isMeant && (of === undefined || Number(parent) === of) ? [Number(pid)] : [];
    });
  }

  close(): void {
    for (const pid of this.find({ words: " paper watch" })) process.kill(pid, "SIGKILL");
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.#program, { force: true });
  }
}

/** A folder and the program for all tests of one file, which go away with the last of them. */
export function openStage(name: string): { readonly folder: string; readonly programs: Programs } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `kalshi-gym-${name}-`)));
  const programs = new Programs();
  beforeAll(() => programs.make());
  afterAll(() => {
    programs.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, programs };
}

export function venueWords({ rest, ws, keyId, keyFile }: Addresses): string[] {
  return [
    ...["--venue", "local", "--rest", rest, "--ws", ws],
    ...["--key-id", keyId, "--key-file", keyFile],
  ];
}
