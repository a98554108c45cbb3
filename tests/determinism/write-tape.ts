/** Prints the tape of the sample session that the fingerprint is of. */
import { openSession } from "../../src/market/index.ts";
import { packTape } from "./pack-tape.ts";

const session = openSession("sessions/sample-1");
process.stdout.write(packTape(session.readTape()));
session.close();
