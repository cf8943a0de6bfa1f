/**
 * @file The style sheet of a report. Switches are inputs that the style sheet reads, so that they work without a script.
 */
import { colours } from './chart.js';

/** Colours of the page and of the methods; every method is told apart by its marker and its dashes too. Contrast is tested. */
export const palettes = {
  light: {
    ground: '#ffffff',
    raised: '#f5f6f8',
    text: '#191c21',
    muted: '#545c69',
    line: '#d5d9e0',
    grid: '#e6e9ee',
    accent: '#0a5ba8',
    better: '#0b6b4f',
    worse: '#a83a00',
    methods: ['#0072b2', '#c24a00', '#007f5c', '#a8447f', '#806000', '#4c5561'],
  },
  dark: {
    ground: '#14171c',
    raised: '#1c2027',
    text: '#e7eaef',
    muted: '#a5adba',
    line: '#3a414d',
    grid: '#2a303a',
    accent: '#86bffa',
    better: '#5fd1a8',
    worse: '#ffa36b',
    methods: ['#5db7f0', '#f58f4f', '#43c99d', '#e79dce', '#dfb93f', '#bcc4cf'],
  },
} as const;

/** One of the two. */
export type Palette = (typeof palettes)[keyof typeof palettes];

const variables = (p: Palette): string =>
  [
    ...Object.entries(p).flatMap(([name, value]) => (typeof value === 'string' ? [`--${name}:${value}`] : [])),
    ...p.methods.map((value, i) => `--m${i}:${value}`),
  ].join(';');

/** The style sheet for a number of methods. */
export function styleOf(methods: number): string {
  const each = Array.from({ length: methods }, (_, i) => i);
  return `:root{color-scheme:light;${variables(palettes.light)}}
@media (prefers-color-scheme:dark){:root:not(:has(#theme-light:checked)){color-scheme:dark;${variables(palettes.dark)}}}
:root:has(#theme-dark:checked){color-scheme:dark;${variables(palettes.dark)}}
${each.map((i) => `.m${i}{--c:var(--m${i % colours})}:root:has(#show-m${i}:not(:checked)) main .m.m${i}{display:none}`).join('\n')}
:root:has(#axis-tokens:checked) .by-steps,:root:has(#axis-seconds:checked) .by-steps{display:none}
:root:not(:has(#axis-tokens:checked)) .by-tokens,:root:not(:has(#axis-seconds:checked)) .by-seconds{display:none}
${fixed}`;
}

const fixed = `*{box-sizing:border-box}
html{scroll-padding-top:3.75rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Helvetica Neue","Apple SD Gothic Neo","Malgun Gothic","Noto Sans KR","Noto Sans CJK KR",NanumGothic,Arial,sans-serif}
code,pre{font-family:ui-monospace,"SF Mono",SFMono-Regular,Menlo,Consolas,"Noto Sans Mono","DejaVu Sans Mono","D2Coding","Noto Sans Mono CJK KR",monospace;font-size:.87em}
body>header,main,body>footer{max-width:72rem;margin:0 auto;padding:0 1.5rem}
body>header{padding-top:2.75rem}
h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.015em;margin:0 0 .35rem;font-weight:650;overflow-wrap:anywhere;word-break:keep-all}
h2{font-size:1.25rem;letter-spacing:-.01em;margin:3rem 0 1rem;padding-top:1.25rem;border-top:1px solid var(--line);font-weight:640}
main>section:first-of-type h2{margin-top:1rem;border-top:0;padding-top:.5rem}
h3{font-size:1rem;margin:0;font-weight:620}
p{margin:.5rem 0}
a{color:var(--accent);text-underline-offset:.15em}
.lead{color:var(--muted);margin:0 0 1rem}
.note,figcaption p{color:var(--muted);font-size:.85rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin:0;padding:0;font-size:.92rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-100vw;top:.5rem;background:var(--ground);padding:.4rem .8rem;z-index:3}
.skip:focus{left:1rem}
.controls{position:sticky;top:0;z-index:2;background:var(--ground);border-bottom:1px solid var(--line);margin-top:1.5rem}
.controls form{max-width:72rem;margin:0 auto;padding:.55rem 1.5rem;display:flex;flex-wrap:wrap;gap:.4rem 1.75rem;align-items:center}
fieldset{border:0;margin:0;padding:0;min-width:0;display:flex;flex-wrap:wrap;align-items:center;gap:.2rem .85rem;font-size:.9rem}
legend{float:left;color:var(--muted);font-size:.8rem;padding:0;margin-right:.1rem}
fieldset label{display:inline-flex;align-items:center;gap:.35rem;min-height:1.75rem;cursor:pointer}
input{accent-color:var(--accent);width:1rem;height:1rem;margin:0}
.push{margin-left:auto}
.theme{float:right;margin:.3rem 0 0 1.5rem}
.swatch{vertical-align:-1px;flex:none}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,27rem),1fr));gap:1.25rem}
.charts:has(>.chart>details[open]){align-items:start}
.chart{margin:0;padding:1rem 1.1rem .75rem;border:1px solid var(--line);border-radius:8px;min-width:0;display:flex;flex-direction:column}
.chart figcaption{min-height:3.1rem}
.chart figcaption p{margin:.1rem 0 0}
.chart svg{display:block;width:100%;height:auto;margin:.35rem 0 .5rem}
.chart details{margin-top:auto}
svg text{font-size:12px;fill:var(--text);font-variant-numeric:tabular-nums}
.axis line{stroke:var(--grid);stroke-width:1}
.axis .base{stroke:var(--muted)}
.axis text{fill:var(--muted);font-size:11.5px}
.axis .label{fill:var(--muted)}
.curve{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.band{fill:var(--c);fill-opacity:.16}
.marker{fill:var(--c);stroke:var(--ground);stroke-width:1.25}
.hollow{fill:var(--ground);stroke:var(--c);stroke-width:2}
.bar{fill:var(--c);fill-opacity:.82}
.whisker{fill:none;stroke:var(--text);stroke-width:1.4}
.seed{fill:var(--ground);stroke:var(--text);stroke-width:1.1}
.front{fill:none;stroke:var(--muted);stroke-width:1.4;stroke-dasharray:4 4}
.name{paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
.scroll{overflow:auto;max-height:36rem;margin:.75rem 0;border:1px solid var(--line);border-radius:8px}
.chart .scroll{max-height:17rem}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.6rem .85rem;font-weight:600;font-size:.88rem;position:sticky;left:0}
th,td{padding:.4rem .85rem;text-align:left;vertical-align:top;border-top:1px solid var(--grid)}
thead th{position:sticky;top:0;background:var(--raised);color:var(--muted);font-weight:600;font-size:.82rem;vertical-align:bottom;border-top:1px solid var(--line)}
tbody th{font-weight:560}
tbody tr:first-child>*{border-top-color:var(--line)}
.n{text-align:right;white-space:nowrap}
td code,th code{overflow-wrap:anywhere}
th code{font-weight:400}
pre code{font-size:inherit}
.numbers{color:var(--muted);white-space:nowrap;font-variant-numeric:tabular-nums}
td .numbers{display:block;font-size:.82rem}
tbody th,[id^=comparison-] td:nth-child(2){white-space:nowrap}
tbody th:has(code){white-space:normal}
.badge{display:inline-block;justify-self:start;font-size:.75rem;line-height:1.35;padding:.05rem .45rem;border:1px solid var(--line);border-radius:99px;color:var(--muted);white-space:nowrap}
.badge.better{color:var(--better);border-color:currentColor}
.badge.worse{color:var(--worse);border-color:currentColor}
.tag{font-size:.75rem;color:var(--muted);font-weight:400}
.leaders{margin:.25rem 0 1.25rem;padding-left:1.1rem}
.leaders li{margin:.15rem 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:1.25rem}
.card{border:1px solid var(--line);border-radius:8px;padding:1rem 1.1rem}
.card ul{list-style:none;margin:.6rem 0;padding:0;font-size:.92rem}
.card li{display:grid;grid-template-columns:7.2rem 1fr;gap:.6rem;align-items:baseline;padding:.2rem 0}
.against{font-weight:400;color:var(--muted)}
.difference{margin-bottom:2rem}
.beside{display:grid;grid-template-columns:minmax(0,1fr);gap:0 1.25rem;align-items:start}
@media (min-width:76rem){.beside:has(>:nth-child(2)){grid-template-columns:minmax(0,1.75fr) minmax(0,1fr)}}
.beside th,.beside td{padding-left:.6rem;padding-right:.6rem;white-space:normal}
.beside td.n{white-space:nowrap}
.lines span{display:block;white-space:nowrap}
.beside th code{overflow-wrap:anywhere;display:inline-block;min-width:7.5rem}
.beside .modules{min-width:10rem}
.beside td:last-child{min-width:5.5rem;overflow-wrap:anywhere}
.modules{list-style:none;margin:0;padding:0;color:var(--muted);font-size:.8rem;overflow-wrap:anywhere}
.absent{color:var(--muted);font-style:italic}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:.75rem 0 1.25rem;font-size:.92rem}
.facts>div{display:contents}
.facts dt{color:var(--muted)}
.facts dd{margin:0;overflow-wrap:anywhere}
.commands{list-style:none;padding:0;margin:1rem 0;display:grid;gap:1.25rem}
.commands>li{min-width:0}
pre{background:var(--raised);border:1px solid var(--line);border-radius:6px;padding:.65rem .85rem;margin:.45rem 0;overflow:auto;line-height:1.45}
.long{max-height:24rem}
#more-curves{margin-top:1rem}
#more-curves>.charts{margin-top:.75rem}
summary{cursor:pointer;color:var(--accent);font-size:.88rem;padding:.2rem 0;width:max-content;max-width:100%}
button{font:inherit;font-size:.88rem;color:var(--accent);background:var(--ground);border:1px solid var(--line);border-radius:6px;padding:.3rem .8rem;min-height:1.75rem;cursor:pointer}
.by-script{display:none}
.scripted .by-script{display:block}
.run{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr max-content;gap:.3rem 1rem;align-items:center;margin:.4rem 0;font-size:.92rem;font-variant-numeric:tabular-nums}
progress{width:100%;height:.6rem;accent-color:var(--accent)}
#connection{color:var(--muted);font-size:.85rem}
body>footer{margin-top:3rem;padding-top:1rem;padding-bottom:3rem;color:var(--muted);font-size:.85rem;border-top:1px solid var(--line)}
@media (max-width:40rem){body>header,main,body>footer,.controls form{padding-left:1rem;padding-right:1rem}.controls{position:static}.card li{grid-template-columns:1fr;gap:0}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.5rem}.push{margin-left:0}.theme{float:none;margin:-1rem 0 1rem}html{scroll-padding-top:0}}
@media (prefers-reduced-motion:reduce){*{transition:none!important;animation:none!important}}
@media (forced-colors:active){.curve,.whisker,.marker{stroke:CanvasText}.badge{border-color:CanvasText}}
@media print{.controls,nav,.skip,.by-script{display:none!important}.chart,.card,.difference{break-inside:avoid}.scroll{max-height:none;overflow:visible}}`;
