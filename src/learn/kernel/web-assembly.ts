/**
 * The part of WebAssembly's interface that is used here; Node 20's types do not have it. Source:
 * the WebAssembly JavaScript Interface, W3C, with the threads extension.
 */
export type WasmModule = object;

export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
  readonly Memory: new (descriptor: {
    initial: number;
    maximum: number;
    shared: true;
  }) => WasmMemory;
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };

export { WebAssembly };
