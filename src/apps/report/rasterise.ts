/**
 * SVG to PNG, on white, twice the size for sharp screens. The font comes with the product, so that
 * text looks the same, byte for byte, on machines with other fonts or none.
 */
import { createRequire } from "node:module";
import { inLight } from "./palette.ts";

const require = createRequire(import.meta.url);

export async function rasterise(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const font = (file: string): string => require.resolve(`dejavu-fonts-ttf/ttf/${file}`);
  const image = new Resvg(inLight(svg), {
    background: "#ffffff",
    fitTo: { mode: "zoom", value: 2 },
    font: {
      loadSystemFonts: false,
      fontFiles: [font("DejaVuSans.ttf"), font("DejaVuSans-Bold.ttf")],
      defaultFontFamily: "DejaVu Sans",
    },
  });
  return image.render().asPng();
}
