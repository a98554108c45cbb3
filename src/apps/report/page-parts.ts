/** Parts that reports share: the frame with its style, figures, lists and tables. All HTML. */
import { escape } from "./formats.ts";
import { variables } from "./palette.ts";

/** A whole page that needs nothing else; `title` is text, `body` HTML. */
export function framed(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
${STYLE}
</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

export function items(sentences: readonly string[]): string {
  return sentences.map((sentence) => `<li>${escape(sentence)}</li>`).join("\n");
}

export function figure(picture: string, caption: string): string {
  if (picture === "") return "";
  return `<figure>${picture}<figcaption>${escape(caption)}</figcaption></figure>`;
}

/** `cells` are HTML already; the first of each row heads it. */
export function table(
  caption: string,
  heads: readonly string[],
  cells: readonly (readonly string[])[],
): string {
  const head = heads.map((text) => `<th scope="col">${escape(text)}</th>`).join("");
  const body = cells.map(([first = "", ...rest]) => {
    const others = rest.map((cell) => `<td>${cell}</td>`).join("");
    return `<tr><th scope="row">${first}</th>${others}</tr>`;
  });
  return (
    `<div class="scroll"><table><caption>${caption}</caption>` +
    `<thead><tr>${head}</tr></thead>\n<tbody>${body.join("\n")}</tbody></table></div>`
  );
}

const STYLE = `
:root { color-scheme: light dark; ${variables("light")} }
@media (prefers-color-scheme: dark) { :root { ${variables("dark")} } }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 "DejaVu Sans", Verdana, sans-serif; }
main { max-width: 940px; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .8rem; padding-top: .8rem; border-top: 1px solid var(--line); }
.lead { color: var(--soft); }
.short { background: var(--panel); border-left: 4px solid var(--agent); padding: .3rem 1.1rem;
  margin: 1.4rem 0; }
.short ul { margin: -.4rem 0 .9rem; }
.warning { border-left: 4px solid var(--ask); padding-left: .7rem; }
figure { margin: 1.4rem 0; } figure > svg { max-width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .3rem; }
.scroll { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: .8rem; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding-bottom: .3rem; white-space: normal; }
th, td { border-bottom: 1px solid var(--line); padding: .28rem .9rem .28rem 0; text-align: left; }
thead th { color: var(--soft); font-weight: normal; } tbody th { font-weight: bold; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; font-size: .9rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
li { margin: .25rem 0; } details { margin: 1rem 0; } summary { cursor: pointer; }
code, pre { font-size: .85em; font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; }
pre { overflow-x: auto; background: var(--panel); padding: .8rem; }
`.trim();
