"""How the report's page looks: by daylight, at night, and on paper."""

from __future__ import annotations

DAY = """--paper:#fff;--ink:#1d2430;--faint:#6b7685;--rule:#d9dee5;--soft:#f4f6f8;--good:#17713f;--bad:#b3261e;--warn:#8a5a00;
--line-0:#2563a8;--line-1:#c2571a;--line-2:#1f8a5b;--line-3:#8a4fbf"""
NIGHT = """--paper:#14181f;--ink:#e4e9f0;--faint:#8b97a8;--rule:#323b48;--soft:#1c222c;--good:#5fd39a;--bad:#ff8a80;
--warn:#f0c060;--line-0:#6aaef5;--line-1:#f2975a;--line-2:#5fd39a;--line-3:#c79bf2"""
STYLE = f"""
:root{{color-scheme:light dark;{DAY}}}
@media (prefers-color-scheme:dark){{:root{{{NIGHT}}}}}
*{{box-sizing:border-box}}
body{{font:15px/1.5 system-ui,-apple-system,"Apple SD Gothic Neo","Noto Sans CJK KR","Noto Sans",sans-serif;
color:var(--ink);background:var(--paper);max-width:62rem;margin:0 auto;padding:2rem 1.25rem}}
h1{{font-size:1.6em;margin:0 0 .2em}}
h2{{font-size:1.2em;margin:2em 0 .5em;border-bottom:1px solid var(--rule);padding-bottom:.2em}}
h3{{font-size:1em;margin:1.4em 0 .4em}}
p{{margin:.4em 0}}
.facts{{color:var(--faint);margin:0 0 1em}}
.facts b{{color:var(--ink);font-weight:600;white-space:nowrap}}
.verdict{{font-size:1.1em;font-weight:600;padding:.6em .9em;border-left:5px solid;background:var(--soft);margin:1em 0}}
.tiles{{display:grid;grid-template-columns:repeat(5,1fr);gap:.6rem}}
.tile{{border:1px solid var(--rule);border-radius:6px;padding:.6em .7em}}
.tile b{{display:block;font-size:1.25em;line-height:1.3}}
.tile>span{{color:var(--faint);font-size:.85em}}
@media screen and (max-width:42rem){{.tiles{{grid-template-columns:repeat(2,1fr)}}}}
.good{{color:var(--good)}}
.bad{{color:var(--bad)}}
.warn{{color:var(--warn)}}
.faint{{color:var(--faint)}}
.wide{{overflow-x:auto;margin-bottom:.8em}}
table{{border-collapse:collapse;width:100%;font-size:.92em}}
th{{text-align:left;color:var(--faint);font-weight:600}}
th,td{{padding:.32em .5em;border-bottom:1px solid var(--rule);vertical-align:top}}
th:first-child,td:first-child{{padding-left:0}}
th:last-child,td:last-child{{padding-right:0}}
.n{{text-align:right;white-space:nowrap}}
.w{{white-space:nowrap}}
code,.hash{{font:.92em/1.4 ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere}}
figure{{margin:1em 0}}
figcaption{{font-weight:600;font-size:.95em;margin-bottom:.2em}}
.legend{{font-size:.88em;display:flex;gap:1.2em;margin:.2em 0}}
.legend i{{display:inline-block;width:1.4em;height:3px;margin-right:.45em;vertical-align:middle}}
svg{{width:100%;height:auto;display:block}}
svg .axis .guide.line{{stroke:var(--rule)!important;stroke-dasharray:none!important}}
svg .tooltip,svg .text-overlay{{display:none}}
@page{{size:A4;margin:15mm}}
@media print{{
:root{{{DAY};--ink:#000;--faint:#555}}
body{{max-width:none;padding:0;font-size:9pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}}
.wide{{overflow:visible}}
tr,figure,li,.tile,.verdict{{break-inside:avoid}}
h2,h3,figcaption,thead,.drill p{{break-after:avoid}}
}}
"""
