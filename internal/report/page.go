package report

const text = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{if .Faults}}Faults{{else}}Clean{{end}}: gdummy audit</title>
<style>
:root { --paper: #ffffff; --ink: #1c2024; --soft: #60646c; --line: #d9dce1; --card: #f5f6f8; --good: #18794e; --bad: #c62a2f; --blue: #2f6fd0; --amber: #ad5700; --lossfill: #e5484d66 }
@media (prefers-color-scheme: dark) { :root { --paper: #15181c; --ink: #edeef0; --soft: #a5abb3; --line: #363b42; --card: #1e2227; --good: #3dd68c; --bad: #ff8b8d; --blue: #70a5ff; --amber: #ffb454; --lossfill: #ff636980 } }
@media print { :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb; --card: #ffffff; --good: #18794e; --bad: #c62a2f; --blue: #2f6fd0; --amber: #ad5700; --lossfill: #e5484d66 } section, .cards > div { break-inside: avoid } .cards { grid-template-columns: repeat(4, 1fr) !important } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 24px 20px 48px; max-width: 1040px; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; print-color-adjust: exact; -webkit-print-color-adjust: exact }
h1 { font-size: 24px; margin: 0 0 4px }
h1.good { color: var(--good) } h1.bad { color: var(--bad) }
h2 { font-size: 16px; margin: 32px 0 8px }
p { margin: 4px 0 } .soft { color: var(--soft) }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 10px; margin-top: 20px }
.cards > div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px }
.cards b { display: block; font-size: 22px; line-height: 1.3; font-variant-numeric: tabular-nums }
.cards .bad b { color: var(--bad) } .cards small { display: block; color: var(--soft); font-size: 12px; line-height: 1.35 }
svg { display: block; width: 100%; height: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif } svg text.inside { fill: var(--paper) }
.grid { stroke: var(--line); stroke-width: 1 } .bars { fill: var(--blue); fill-opacity: .85 } .loss { fill: var(--lossfill) }
.event { stroke: var(--amber); stroke-width: 1.5; stroke-dasharray: 3 3 } .reload { stroke-dasharray: none }
path.max { fill: none; stroke: var(--amber); stroke-width: 1.5 } path.mean { fill: none; stroke: var(--blue); stroke-width: 1.5 }
.key { font-size: 13px; color: var(--soft) } .key i { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin: 0 4px 0 12px; vertical-align: -1px }
.key i:first-child { margin-left: 0 }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--line); white-space: nowrap } th { font-weight: 600; color: var(--soft); font-size: 13px }
th:first-child, td:first-child { text-align: left } td.bad { color: var(--bad); font-weight: 600 }
code { font: 13px ui-monospace, monospace } li { margin: 2px 0 } ul { padding-left: 20px; margin: 4px 0 }
</style>
</head>
<body>
{{with .Verdict}}
<h1 class="{{if $.Faults}}bad{{else}}good{{end}}">{{if $.Faults}}Faults: {{join $.Faults ", "}}{{else}}Clean{{end}}</h1>
<p>{{grouped .Arrived}} of {{grouped .Sent}} records arrived.{{if not .Exact}} The verdict is not exact.{{end}}</p>
<p class="soft">gdummy audit{{with $.Version}} {{.}}{{end}}, {{clock $.Made}} UTC</p>
<div class="cards">{{range cards .}}<div{{if .Bad}} class="bad"{{end}}>{{.Name}}<b>{{grouped .Value}}</b><small>{{.Help}}</small></div>{{end}}</div>
{{if .Notes}}<section><h2>Notes</h2><ul>{{range .Notes}}<li>{{.}}</li>{{end}}</ul></section>{{end}}
{{with arrivals .Timeline .Streams}}<section><h2>Records per second</h2><p class="soft">{{rate $.Verdict.Timeline}}; by when they {{if $.Verdict.Latency}}arrived{{else}}were sent{{end}}, UTC</p>{{.}}<p class="key"><i style="background:var(--blue)"></i>arrived <i style="background:var(--lossfill)"></i>sent and lost <i style="background:var(--amber)"></i>pause, resume (dashed), reload</p></section>{{end}}
{{with latencies .Timeline .Latency}}<section><h2>Latency</h2>{{.}}<p class="key"><i style="background:var(--amber)"></i>largest <i style="background:var(--blue)"></i>mean</p></section>{{end}}
{{with percentiles .Latency}}<section><h2>Latency, percentiles</h2>{{.}}</section>{{end}}
{{if and .Latency (alone .)}}<section><h2>Latency of runs</h2><div class="wide"><table>
<tr><th>run</th><th>instance</th>{{range .Latency.At}}<th>p{{.Percent}}</th>{{end}}<th>max</th></tr>
{{range .Streams}}{{$st := .}}{{with .Latency}}<tr><td><code>{{$st.Run}}</code></td><td>{{name $st}}</td>{{range .At}}<td>{{short .Value}}</td>{{end}}<td>{{short .Max}}</td></tr>
{{end}}{{end}}</table></div></section>{{end}}
{{if and .Arrived (not .Latency)}}<section><h2>Latency</h2><p class="soft">unknown, for nothing says when these records arrived: <code>--listen</code> sees it, <code>--arrived-at</code> reads it</p></section>{{end}}
<section><h2>Runs</h2><div class="wide"><table>
<tr><th>run</th><th>instance</th><th>sent</th><th>accepted</th><th>ingested</th><th>arrived</th><th>lost</th><th>duplicates</th><th>reordered</th><th>damaged</th><th>unknown</th></tr>
{{range .Streams}}<tr><td><code>{{.Run}}</code></td><td>{{name .}}</td><td>{{grouped .Sent}}</td><td>{{grouped .Accepted}}</td><td>{{grouped .Ingested}}</td><td>{{grouped .Arrived}}</td><td{{if .Lost}} class="bad"{{end}}>{{grouped .Lost}}</td><td{{if .Duplicates}} class="bad"{{end}}>{{grouped .Duplicates}}</td><td>{{grouped .Reordered}}</td><td{{if .Damaged}} class="bad"{{end}}>{{grouped .Damaged}}</td><td>{{grouped .Unknown}}</td></tr>
{{end}}</table></div></section>
{{range $st := alone .}}<section class="alone"><h2>{{name .}} <code>{{.Run}}</code></h2><p class="soft">records per second: {{rate (deref .Timeline)}}</p>{{arrivals (deref .Timeline) (only .)}}
{{with latencies (deref .Timeline) .Latency}}<p class="soft">latency{{with $st.Latency}}: p50 {{short (.P 50)}}, p99 {{short (.P 99)}}, p99.99 {{short (.P 99.99)}}, at most {{short .Max}}{{end}}</p>{{.}}{{end}}</section>
{{end}}{{range $st := .Streams}}{{range ranges .}}<section><h2>{{.Name}} of <code>{{$st.Run}}</code> {{name $st}}</h2><div class="wide"><table>
<tr><th>numbers</th><th>records</th><th>sent from (UTC)</th><th>to</th></tr>
{{range .List}}<tr><td>{{.From}} to {{.To}}</td><td>{{grouped .Count}}</td><td>{{clock .Since}}</td><td>{{clock .Until}}</td></tr>
{{end}}</table></div>{{if .More}}<p class="soft">and {{grouped .More}} more ranges</p>{{end}}</section>{{end}}{{end}}
{{end}}
</body>
</html>
`
