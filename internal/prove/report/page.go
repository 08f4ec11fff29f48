// SPDX-License-Identifier: Apache-2.0

package report

// pageHead begins all pages.
const pageHead = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
`

// style is the style of all pages.
const style = `:root { --paper: #ffffff; --ink: #1c2024; --soft: #60646c; --line: #dfe2e7; --card: #f6f7f9; --good: #18794e; --bad: #c62a2f; --blue: #2f6fd0; --amber: #ad5700; --red: #e5484d; --grey: #9ba1a9; --grey2: #cdd1d6 }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --ink: #edeef0; --soft: #a5abb3; --line: #363b42; --card: #1e2227; --good: #3dd68c; --bad: #ff8b8d; --blue: #70a5ff; --amber: #ffb454; --red: #ff6369; --grey: #7d848d; --grey2: #545a63 } }
@media print { :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb; --card: #ffffff; --good: #18794e; --bad: #c62a2f; --blue: #2f6fd0; --amber: #ad5700; --red: #e5484d; --grey: #9ba1a9; --grey2: #cdd1d6 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 28px 20px 56px; max-width: 1080px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; print-color-adjust: exact; -webkit-print-color-adjust: exact }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; overflow-wrap: anywhere }
h1.good { color: var(--good) } h1.bad { color: var(--bad) } h1.open { color: var(--amber) }
h2 { font-size: 17px; margin: 36px 0 6px }
h3 { font-size: 14px; margin: 16px 0 2px; font-weight: 600 }
p { margin: 4px 0 } .soft { color: var(--soft) } .small { font-size: 13px }
.shares { display: flex; height: 14px; border-radius: 7px; overflow: hidden; margin: 18px 0 6px; background: var(--line) }
.shares i { min-width: 3px } .c-arrived { background: var(--blue) } .c-gone { background: var(--red) } .c-held { background: var(--grey) } .c-open { background: var(--grey2) }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 10px; margin-top: 18px }
.cards > div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px }
.cards b { display: block; font-size: 22px; line-height: 1.3; font-variant-numeric: tabular-nums }
.cards .bad { border-color: var(--bad) } .cards .bad b { color: var(--bad) } .cards small { display: block; color: var(--soft); font-size: 12px; line-height: 1.35 }
.chart { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 22px 44px 64px; margin: 8px 0 }
.plot { position: relative; height: 200px } .alone .plot { height: 110px }
.plot > svg { display: block; position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible }
.plot > svg.marks { top: auto; bottom: -8px; height: 5px } .marks rect { fill: var(--red) } .m1 { opacity: .45 } .m2 { opacity: .65 } .m3 { opacity: .85 }
.plot > span { position: absolute; font-size: 12px; line-height: 16px; color: var(--soft); white-space: nowrap; font-variant-numeric: tabular-nums }
.plot > .y { right: 100%; margin: 0 8px -8px 0 } .plot > .x { top: 100%; margin-top: 14px; transform: translateX(-50%) } .plot > .x.end { transform: translateX(calc(-100% + 16px)) }
.plot line, .plot path { vector-effect: non-scaling-stroke }
.grid { stroke: var(--line); stroke-width: 1 } .bars { fill: var(--blue) } path.lost { fill: var(--red) }
.event { stroke: var(--amber); stroke-width: 1.5; stroke-dasharray: 3 3 } .reload { stroke-dasharray: none }
path.max { fill: none; stroke: var(--amber); stroke-width: 1.5 } path.mean { fill: none; stroke: var(--blue); stroke-width: 1.5 }
.key { font-size: 13px; color: var(--soft) } .key span { white-space: nowrap; margin-right: 14px } .key i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 5px; vertical-align: -1px }
.key i.dash, .key i.line { width: 20px } .key i.dash { height: 0; border-top: 2px dashed var(--amber); border-radius: 0; vertical-align: 4px } .key i.line { height: 0; border-top: 2px solid var(--amber); border-radius: 0; vertical-align: 4px } .key i.mean { border-color: var(--blue) }
.spread { display: grid; grid-template-columns: max-content 1fr; gap: 6px 10px; align-items: center; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; margin: 8px 0; font-size: 13px; font-variant-numeric: tabular-nums }
.spread div { display: flex; align-items: center; gap: 8px } .spread i { height: 14px; min-width: 2px; border-radius: 3px; background: var(--blue); flex: none } .spread b { flex: none; font-weight: 600 } .spread span { color: var(--soft) }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px }
th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--line); white-space: nowrap } th { font-weight: 600; color: var(--soft); font-size: 13px }
th:first-child, td:first-child, .runs th:nth-child(2), .runs td:nth-child(2) { text-align: left } td.bad { color: var(--bad); font-weight: 600 } td.nil { color: var(--soft) } tr.total td { font-weight: 600; border-top: 2px solid var(--line) }
.ranges td, .ranges th { text-align: left } .ranges td:nth-child(2), .ranges th:nth-child(2) { text-align: right }
code { font: 13px ui-monospace, monospace } li { margin: 4px 0 } ul { padding-left: 20px; margin: 4px 0 }
summary { cursor: pointer; font-weight: 600; margin: 14px 0 4px }
@media (max-width: 640px), print { .runs, .runs tbody { display: block } .runs tr:first-child { display: none } .runs tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(163px, 1fr)); gap: 2px 18px; padding: 8px 0; border-bottom: 1px solid var(--line) } .runs td, .runs tr.total td { display: flex; justify-content: space-between; padding: 0; border: 0; font-size: 13px } .runs td:first-child, .runs td:nth-child(2) { grid-column: 1 / -1; overflow-wrap: anywhere; white-space: normal } .runs td:nth-child(2):empty { display: none } .runs td::before { color: var(--soft); font-weight: 400; margin-right: 8px } }
@media (max-width: 640px) { body { padding: 18px 12px 40px } h1 { font-size: 21px } .cards { grid-template-columns: repeat(2, 1fr); gap: 8px } .cards b { font-size: 19px } .chart { padding: 14px 20px 40px 50px } .plot { height: 170px } .plot > .odd { display: none } }
@media print { body { max-width: none; padding: 0; font-size: 12px } section, .cards > div, .chart, .spread, tr { break-inside: avoid } .long { break-inside: auto } .cards { grid-template-columns: repeat(4, 1fr) } .cards b { font-size: 17px } .plot { height: 160px } .wide { overflow: visible } th, td { padding: 3px 5px; font-size: 11px } details::details-content { content-visibility: visible; block-size: auto } }
`

const text = pageHead + `<title>{{if .Faults}}Faults{{else}}Clean{{end}}: gdummy audit</title>
<style>
` + style + `{{with .Verdict}}@media (max-width: 640px), print { {{range $i, $c := columns .}}.counts td:nth-child({{nth $i}})::before { content: "{{$c.Name}}" } {{end}}{{with .Latency}}{{range $i, $p := .At}}.times td:nth-child({{nth $i}})::before { content: "p{{$p.Percent}}" } {{end}}.times td:last-child::before { content: "max" } {{end}}}{{end}}
</style>
</head>
<body>
{{with .Verdict}}{{$v := .}}
<h1 class="{{if $.Faults}}bad{{else if .Known}}good{{else}}open{{end}}">{{if $.Faults}}Faults: {{join $.Faults ", "}}{{else if .Known}}Clean{{else}}Clean, as far as is known{{end}}</h1>
<p>{{grouped .Arrived}} of {{grouped .Sent}} records arrived{{with part .Arrived .Sent}} ({{.}}){{end}}{{range .Caveats $.Faults}}; {{.}}{{end}}.</p>
<p class="soft small">gdummy audit{{with $.Version}} {{.}}{{end}}, {{clock $.Made}} UTC</p>
{{with shares .}}<div class="shares">{{range .}}<i class="c-{{.Class}}" style="flex:{{printf "%.4f" .Width}} 0 0" title="{{grouped .Count}} {{.Name}}"></i>{{end}}</div><p class="key">{{range .}}<span><i class="c-{{.Class}}"></i>{{.Name}} {{part .Count $v.Sent}}</span>{{end}}</p>
{{end}}<div class="cards">{{range cards .}}<div{{if .Bad}} class="bad"{{end}}>{{.Name}}<b>{{grouped .Value}}</b><small>{{.Help}}</small></div>{{end}}</div>
{{if .Notes}}<section><h2>Notes</h2><ul>{{range .Notes}}<li>{{.}}</li>{{end}}</ul></section>{{end}}
<section><h2>{{if brief .Timeline .Streams}}Records{{else}}Records per second{{end}}</h2>{{with arrivals .Timeline .Streams}}<p class="soft small">{{with rate $v.Timeline}}{{.}}; {{end}}by when they {{if $v.Latency}}arrived{{else}}were sent{{end}}, UTC</p><div class="chart">{{.}}</div><p class="key"><span><i class="c-arrived"></i>arrived</span>{{if $v.Lost}}<span><i class="c-gone"></i>lost, by when they were sent{{if moreRanges $v}} (the first thousand ranges){{end}}</span>{{end}}{{if noted $v "pause" "resume"}}<span><i class="dash"></i>pause, resume</span>{{end}}{{if noted $v "reload"}}<span><i class="line"></i>reload</span>{{end}}</p>{{else}}<p class="soft">no records arrived, and no ledger has times</p>{{end}}</section>
{{with latencies .Timeline .Latency .Streams}}<section><h2>Latency</h2><p class="soft small">from the moment at which a record was due to its arrival, by time of arrival</p><div class="chart">{{.}}</div><p class="key"><span><i class="line"></i>largest</span><span><i class="line mean"></i>mean</span></p></section>{{end}}
{{with .Latency}}<section><h2>Latency, percentiles</h2><div class="spread">{{range bars .}}<span>{{.Name}}</span><div><i style="width:calc((100% - 72px) * {{printf "%.4f" .Width}})"></i><b>{{.Text}}</b></div>{{end}}</div></section>{{end}}
{{if and .Arrived (not .Latency)}}<section><h2>Latency</h2><p class="soft">unknown: these sources carry no arrival times; <code>--listen</code> measures them, <code>--arrived-at</code> reads them</p></section>{{end}}
{{if .Streams}}<section class="long"><h2>Runs</h2><div class="wide"><table class="runs counts">
<tr><th>run</th><th>instance</th>{{range columns $v}}<th>{{.Name}}</th>{{end}}</tr>
{{range $st := .Streams}}<tr><td><code>{{.Run}}</code></td><td>{{name .}}</td>{{range cells $v $st.Counts}}<td{{with .Class}} class="{{.}}"{{end}}>{{.Text}}</td>{{end}}</tr>
{{end}}{{if gt (len .Streams) 1}}<tr class="total"><td>total</td><td></td>{{range cells $v $v.Counts}}<td{{with .Class}} class="{{.}}"{{end}}>{{.Text}}</td>{{end}}</tr>
{{end}}</table></div></section>{{end}}
{{if and .Latency (alone .)}}<section class="long"><h2>Latency of runs</h2><div class="wide"><table class="runs times">
<tr><th>run</th><th>instance</th>{{range .Latency.At}}<th>p{{.Percent}}</th>{{end}}<th>max</th></tr>
{{range .Streams}}{{$st := .}}{{with .Latency}}<tr><td><code>{{$st.Run}}</code></td><td>{{name $st}}</td>{{range .At}}<td>{{short .Value}}</td>{{end}}<td>{{short .Max}}</td></tr>
{{end}}{{end}}</table></div></section>{{end}}
{{range $st := alone .}}<section class="alone"><h2>{{name .}} <code>{{.Run}}</code></h2><p class="soft small">{{if brief (deref .Timeline) (only .)}}records{{else}}records per second{{end}}: {{rate (deref .Timeline)}}</p><div class="chart">{{arrivals (deref .Timeline) (only .)}}</div>
{{with latencies (deref .Timeline) .Latency (only .)}}<p class="soft small">latency{{with $st.Latency}}: p50 {{short (.P 50)}}, p99 {{short (.P 99)}}, p99.99 {{short (.P 99.99)}}, at most {{short .Max}}{{end}}</p><div class="chart">{{.}}</div>{{end}}</section>
{{end}}{{with hidden .}}<p class="soft">Charts of {{.}} more runs are not shown.</p>{{end}}
{{with .Receiver}}<section class="long"><h2>Refused by the receiver</h2>{{with .Faults}}<p class="soft small">injected faults: <code>{{.}}</code>, seed <code>{{$v.Receiver.Seed}}</code></p>{{end}}
{{if .Refused}}<div class="wide"><table class="refused">
<tr><th>why</th><th>requests</th><th>not all read</th><th>records</th><th>lost</th><th>withheld</th></tr>
{{range .Refused}}<tr><td>{{.Why}}</td><td>{{grouped .Requests}}</td><td>{{grouped .Partly}}</td><td>{{grouped .Records}}</td><td{{if .Lost}} class="bad"{{end}}>{{grouped .Lost}}</td><td{{if .Withheld}} class="bad"{{end}}>{{grouped .Withheld}}</td></tr>
{{end}}</table></div><p class="soft small">Requests are HTTP requests, messages of the forward protocol, or connections. Each record is counted once. A record that arrived later is neither lost nor withheld.</p>{{end}}</section>
{{end}}{{if or .Lost .Unknown}}<section class="long"><h2>Lost and unknown records</h2>
{{range $st := .Streams}}{{range ranges .}}<details{{if .Short}} open=""{{end}}><summary>{{.Name}} of <code>{{$st.Run}}</code> {{name $st}}: {{grouped .Records}} in {{.Count}}</summary><div class="wide"><table class="ranges">
<tr><th>numbers</th><th>records</th><th>sent from (UTC)</th><th>to</th></tr>
{{range .List}}<tr><td>{{.From}}{{if ne .From .To}} to {{.To}}{{end}}</td><td>{{grouped .Count}}</td><td>{{clock .Since}}</td><td>{{clock .Until}}</td></tr>
{{end}}</table></div>{{if .More}}<p class="soft small">and {{grouped .More}} more ranges: <code>--json</code> lists up to a thousand</p>{{end}}</details>
{{end}}{{end}}</section>{{end}}
{{end}}
</body>
</html>
`
