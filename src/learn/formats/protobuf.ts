/**
 * Protocol Buffers' wire format, as much of it as ONNX and TensorBoard need: a message is a list of numbered fields,
 * each a varint, four or eight bytes, or a length and bytes, which may be a message again. Nothing
 * here knows what the numbers mean. Source: protobuf.dev, "Encoding".
 */
import { assert, OperationError } from "../../core/index.ts";

const VARINT = 0;
const EIGHT_BYTES = 1;
const BYTES = 2;
const FOUR_BYTES = 5;
/** Field numbers have 29 bits. */
const FIELD_MAX = 0x1fffffff;

/** Builds one message; fields stand in the order in which they are added. */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];

  /** A whole number that is not negative. */
  number(field: number, value: number): this {
    assert(Number.isSafeInteger(value), "a varint is a whole number");
    assert(value >= 0, "a varint is not negative");
    this.#parts.push(varint(field * 8 + VARINT), varint(value));
    return this;
  }

  /** A number in four bytes. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#parts.push(varint(field * 8 + FOUR_BYTES), bytes);
    return this;
  }

  /** A number in eight bytes. */
  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.#parts.push(varint(field * 8 + EIGHT_BYTES), bytes);
    return this;
  }

  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#parts.push(varint(field * 8 + BYTES), varint(value.length), value);
    return this;
  }

  message(field: number, value: ProtobufWriter): this {
    return this.bytes(field, value.finish());
  }

  finish(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

export interface ProtobufField {
  readonly field: number;
  /** The varint as a signed 64-bit number; 0 for other kinds. */
  readonly value: number;
  /** The bytes of a length-delimited or fixed field; none for a varint. */
  readonly bytes: Uint8Array;
  /** How the sender wrote it. */
  readonly kind: "varint" | "bytes" | "fixed";
}

/**
 * The fields of one message. `place` is what errors begin with; `MODEL_DAMAGED` where the bytes are
 * no message. Shares the memory of `bytes`.
 */
export function protobufFields(place: string, bytes: Uint8Array): ProtobufField[] {
  const fields: ProtobufField[] = [];
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) {
      throw damaged(place, `${length} bytes at byte ${at}`, `${bytes.length - at} to the end`);
    }
    at += length;
    return bytes.subarray(at - length, at);
  };
  const number = (): number => {
    const read = readVarint(bytes, at);
    if (read === null) throw damaged(place, `a number at byte ${at}`, "none");
    at = read.end;
    return read.value;
  };
  while (at < bytes.length) {
    const from = at;
    const tag = number();
    const field = Math.floor(tag / 8);
    if (field < 1 || field > FIELD_MAX) {
      throw damaged(place, `a field at byte ${from}`, `field number ${field}`);
    }
    const kind = tag % 8;
    if (kind === VARINT) fields.push({ field, kind: "varint", value: number(), bytes: NONE });
    else if (kind === BYTES) fields.push({ field, kind: "bytes", value: 0, bytes: take(number()) });
    else if (kind === FOUR_BYTES) fields.push({ field, kind: "fixed", value: 0, bytes: take(4) });
    else if (kind === EIGHT_BYTES) fields.push({ field, kind: "fixed", value: 0, bytes: take(8) });
    else throw damaged(place, `a field at byte ${from}`, `one of wire type ${kind}`);
  }
  return fields;
}

/** The numbers of a packed list of varints. */
export function packedNumbers(place: string, bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const read = readVarint(bytes, at);
    if (read === null) throw damaged(place, `a number at byte ${at} of a list`, "none");
    numbers.push(read.value);
    at = read.end;
  }
  return numbers;
}

const NONE = new Uint8Array(0);

/** A varint of up to ten bytes as a signed 64-bit number; null where it does not end. */
function readVarint(bytes: Uint8Array, from: number): { value: number; end: number } | null {
  let value = 0n;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[from + index];
    if (byte === undefined) return null;
    value |= BigInt(byte & 127) << BigInt(7 * index);
    if (byte < 128) {
      return { value: Number(BigInt.asIntN(64, value)), end: from + index + 1 };
    }
  }
  return null;
}

function damaged(place: string, expected: string, was: string): OperationError {
  return new OperationError(
    "MODEL_DAMAGED",
    `${place}: expected ONNX, and so ${expected}, was ${was}; ` +
      `the file is cut short or no ONNX model: copy or export it again`,
  );
}
