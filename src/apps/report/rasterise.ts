/**
 * SVG to PNG, on white, twice the size for sharp screens. The font comes with the product, so that
 * text looks the same, byte for byte, on machines with other fonts or none.
 */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export async function rasterise(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const image = new Resvg(svg.replaceAll("currentColor", "#222222"), {
    background: "#ffffff",
    fitTo: { mode: "zoom", value: 2 },
    font: {
      loadSystemFonts: false,
      fontFiles: [require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf")],
      defaultFontFamily: "DejaVu Sans",
    },
  });
  return image.render().asPng();
}
