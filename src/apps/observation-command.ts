/** `kalshi-gym observation`: what the 52 features are, and what they do on given sessions. */
import { Command } from "commander";
import {
  featureTable,
  formatObservationCheck,
  observationCheck,
  observationSet,
  SCHEMA_HASH,
  SCHEMA_VERSION,
} from "../features/index.ts";
import { consoleFor } from "./console.ts";
import { loadSessions } from "./wire.ts";

export function observationCommand(): Command {
  const command = new Command("observation")
    .description("the 52 features that an agent sees")
    .addHelpText("after", "\nExample:\n  kalshi-gym observation schema");
  const schema = new Command("schema")
    .description("list the features with definitions and ranges")
    .option("--json", "one JSON object as the last line")
    .addHelpText("after", "\nExample:\n  kalshi-gym observation schema")
    .action(() => {
      const io = consoleFor(schema);
      for (const line of featureTable()) io.line(line);
      io.line(`schema version ${SCHEMA_VERSION}, hash ${SCHEMA_HASH}`);
      io.json({ schemaVersion: SCHEMA_VERSION, schemaHash: SCHEMA_HASH });
    });
  const check = new Command("check")
    .description("each feature's range, mean and share at its bounds; dead and mirrored ones")
    .argument("<sessions...>", "sessions, or folders of sessions")
    .option("--json", "one JSON object as the last line")
    .addHelpText("after", "\nExample:\n  kalshi-gym observation check sessions/sample-1")
    .action((folders: readonly string[]) => {
      const io = consoleFor(check);
      const sessions = loadSessions(folders, io);
      const rows = sessions.flatMap(({ data }) => data.markets.map((market) => market.rows));
      const report = observationCheck(rows.map(observationSet));
      for (const line of formatObservationCheck(report)) io.line(line);
      io.json(report);
    });
  return command.addCommand(schema).addCommand(check);
}
