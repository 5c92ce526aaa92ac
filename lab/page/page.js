// What the page does beyond being read: it draws the charts with Observable Plot, sorts and filters
// the table of all measurements, and changes the theme. Nothing that it shows is not also in the
// page as text.
"use strict";

(() => {
	const $ = (selector, root = document) => root.querySelector(selector);
	const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

	// element makes an element with attributes and children; texts become text, never HTML.
	function element(name, attributes = {}, ...children) {
		const e = document.createElement(name);
		for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
		e.append(...children);
		return e;
	}

	// ---- The theme: the system's, until somebody chooses.

	function theme() {
		const button = $("#theme");
		const dark = matchMedia("(prefers-color-scheme: dark)");
		const root = document.documentElement;
		const stored = (value) => { // a file opened from a disk may have no storage
			try {
				if (value) localStorage.setItem("kettle-theme", value);
				return localStorage.getItem("kettle-theme");
			} catch {
				return null;
			}
		};
		const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
		const show = () => button.setAttribute("aria-pressed", isDark());
		const before = stored();
		if (before === "dark" || before === "light") root.dataset.theme = before;
		button.addEventListener("click", () => {
			root.dataset.theme = isDark() ? "light" : "dark";
			stored(root.dataset.theme);
			show();
		});
		dark.addEventListener("change", show);
		show();
		button.hidden = false;
	}

	// ---- The table of all measurements.

	function table() {
		const visits = $("#visits");
		const body = visits.tBodies[0];
		const rows = [...body.rows];
		const text = new Map(rows.map((r) => [r, r.textContent.toLowerCase()]));
		const heads = [...visits.tHead.rows[0].cells];

		// key is what a row is sorted by: a number where there is one, else the text.
		const key = (row, i) => {
			const cell = row.cells[i];
			const value = cell.dataset.sort ?? cell.textContent.trim();
			const numeric = cell.dataset.sort !== undefined;
			return value === "" ? null : numeric ? Number(value) : value;
		};
		const byName = new Intl.Collator("en", { numeric: true }).compare;
		const compare = (a, b) => typeof a === "number" ? a - b : byName(a, b);

		function sort(i) {
			const up = heads[i].getAttribute("aria-sort") !== "ascending";
			for (const h of heads) h.removeAttribute("aria-sort");
			heads[i].setAttribute("aria-sort", up ? "ascending" : "descending");
			const keys = new Map(rows.map((r) => [r, key(r, i)]));
			rows.sort((a, b) => {
				const [x, y] = [keys.get(a), keys.get(b)];
				if (x === null || y === null) return (x === null) - (y === null); // last, always
				return up ? compare(x, y) : compare(y, x);
			});
			body.append(...rows);
		}
		heads.forEach((h, i) => {
			const name = element("span", { class: "name" }, h.firstChild,
				element("span", { class: "arrow", "aria-hidden": "true" }));
			const button = element("button", { type: "button" }, name, ...h.childNodes);
			button.addEventListener("click", () => sort(i));
			h.append(button);
		});

		const form = $(".filter");
		const [words, workload, window] = ["text", "workload", "window"]
			.map((name) => $("#filter-" + name));
		function filter() {
			const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
			let shown = 0;
			for (const r of rows) {
				r.hidden = !((!workload.value || r.dataset.workload === workload.value) &&
					(!window.value || r.dataset.window === window.value) &&
					wanted.every((w) => text.get(r).includes(w)));
				shown += !r.hidden;
			}
			$("#filter-result").textContent = shown + " of " + rows.length +
				(rows.length === 1 ? " line" : " lines");
		}
		form.addEventListener("input", filter);
		form.addEventListener("submit", (e) => e.preventDefault());
		filter();
		form.hidden = false;
	}

	// ---- The sources beside the claims: copies of those among the models, made when looked at.

	function sources() {
		for (const d of $$("details.beside")) {
			d.addEventListener("toggle", () => {
				const source = $(".source", document.getElementById(d.dataset.source));
				if (d.open && source && !$(".source", d)) d.append(source.cloneNode(true));
			});
		}
	}

	// ---- Printing: what is folded away is printed too. The sources are, once.

	function printing() {
		let opened = [];
		addEventListener("beforeprint", () => {
			opened = $$("details:not([open]):not(.beside)");
			for (const d of opened) d.open = true;
			drawAll();
		});
		addEventListener("afterprint", () => {
			for (const d of opened) d.open = false;
			opened = [];
		});
	}

	// ---- The charts.

	const data = JSON.parse($("#data").textContent);
	const symbols = ["circle", "square", "triangle", "diamond", "cross", "star", "wye"];
	const dashes = [null, "7 3", "2 3", "9 3 2 3", "12 4"];
	const styleOf = (s) => {
		const { colour, symbol, dash } = data.styles[s.style];
		return { colour: `var(--s${colour})`, symbol: symbols[symbol], dash: dashes[dash] };
	};

	// brief writes a number; beside large ones thousands are short, too.
	const brief = (v, beside = [v]) => Math.abs(v) >= 1e3 && d3.max(beside) >= 1e4 ?
		d3.format("~s")(v).replace("G", "B") : d3.format(",~r")(Number(v.toPrecision(6)));
	const percentile = (x) => "p" + Number((100 * (1 - 1 / x)).toFixed(4));
	const nameOf = (chart, panel, s) => chart.panels.length > 1 ? `${s.name} (${panel.run})` : s.name;

	// valuesOf returns what an axis must reach: of one chart all panels, which so share it.
	function valuesOf(chart, log) {
		const all = chart.panels.flatMap((p) => p.series.flatMap((s) => s.points));
		const values = all.flatMap((p) => [p.y, p.low, p.high]);
		if (chart.limit !== undefined) values.push(chart.limit);
		return log ? values.filter((v) => v > 0) : values;
	}

	// scale describes an axis: its ends, and where it has numbers, for which there is some room.
	function scale(values, log, room) {
		let [low, high] = d3.extent(values);
		if (low === undefined) [low, high] = [1, 10];
		if (!log) {
			const count = Math.max(2, Math.min(6, Math.floor(room / 70)));
			[low, high] = d3.nice(Math.min(0, low), high || 1, 6);
			let ticks = d3.ticks(low, high, count);
			if (values.every(Number.isInteger)) ticks = ticks.filter(Number.isInteger);
			return { type: "linear", domain: [low, high], ticks };
		}
		if (high / low < 1.5) [low, high] = [low / 1.5, high * 1.5];
		low /= 1.1;
		high *= 1.1;
		const decades = Math.log10(high / low);
		const narrowest = (s) => d3.min(s, (v, i) => Math.log10((s[i + 1] ?? 10) / v));
		const steps = [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 3, 5, 7], [1, 2, 5], [1, 3]]
			.find((s) => narrowest(s) * room / decades > 42) ?? [1];
		const ticks = [];
		for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e++)
			for (const s of steps) {
				const t = Number((s * 10 ** e).toPrecision(3));
				if (t >= low && t <= high) ticks.push(t);
			}
		return { type: "log", domain: [low, high], ticks };
	}

	// spread lays labels out so that none covers another: places is where they would like to be.
	function apart(places, distance, low, high) {
		const order = d3.range(places.length).sort((a, b) => places[a] - places[b]);
		const out = places.slice();
		let floor = low;
		for (const i of order) floor = (out[i] = Math.max(out[i], floor)) + distance;
		let ceiling = high;
		for (const i of order.reverse()) ceiling = (out[i] = Math.min(out[i], ceiling)) - distance;
		return out;
	}

	// cut shortens a text to a width; below the chart it stands in full.
	const cut = (text, width) => {
		const most = Math.max(3, Math.floor(width / 6.6));
		return text.length > most ? text.slice(0, most - 1) + "…" : text;
	};

	const common = (width, height) => ({ width, height,
		style: { background: "none", fontSize: "12px", color: "var(--ink)" } });
	const faint = "var(--rule)";
	const labelled = (label, log) => (label ?? "") + (log ? " (logarithmic)" : "");

	// axis draws an axis with a number at each tick: left to itself, a logarithmic one leaves out some.
	const axis = (of, ticks, write, label, options) => of(ticks, { ...options, label,
		text: ticks.map((t) => write(t, ticks)), labelArrow: "none" });

	// bars draws one value for each label: bars from zero, or, on a logarithmic axis, which has no
	// zero, marks. Runs and series of the same label stand below each other.
	function bars(chart, width) {
		const rows = [];
		const labels = [...new Set(chart.panels.flatMap((p) =>
			p.series.flatMap((s) => s.points.map((v) => v.label))))];
		const several = chart.panels.some((p) => p.series.length > 1);
		const grouped = several || chart.panels.length > 1;
		for (const label of labels) {
			if (grouped) rows.push({ heading: label });
			for (const name of new Set(chart.panels.flatMap((p) => p.series.map((s) => s.name))))
				for (const panel of chart.panels)
					for (const s of panel.series.filter((s) => s.name === name))
						for (const v of s.points.filter((v) => v.label === label))
							rows.push({ ...v, name: !grouped ? label : several ?
								nameOf(chart, panel, s) : "run " + panel.run,
								later: panel !== chart.panels[0],
								colour: several ? styleOf(s).colour : "var(--s0)" });
		}
		rows.forEach((r, i) => r.row = i);
		const values = rows.filter((r) => !r.heading && (!chart.yLog || r.y > 0));
		const longest = d3.max(rows, (r) => (r.heading ?? r.name).length);
		const left = Math.min(longest * 6.8 + 14, width * 0.42);
		const right = 64;
		const x = scale(valuesOf(chart, chart.yLog), chart.yLog, width - left - right);
		const height = rows.length * 24 + 62;
		const from = x.domain[0];
		const marks = [Plot.gridX(x.ticks, { stroke: faint, strokeOpacity: 1 }),
			axis(Plot.axisX, x.ticks, brief, labelled(chart.yLabel, chart.yLog),
				{ labelAnchor: "center" })];
		if (chart.yLog) {
			marks.push(Plot.dot(values, { x: "y", y: "row", r: 4.5, fill: "colour",
				symbol: (r) => r.later ? "square" : "circle" }));
		} else {
			marks.push(Plot.barX(values, { x1: Math.max(0, from), x2: "y", y: "row", fill: "colour",
				fillOpacity: (r) => r.later ? 0.15 : 0.5, stroke: "colour", insetTop: 4,
				insetBottom: 4 }));
		}
		if (chart.limit !== undefined) marks.push(...limit(Plot.ruleX, "x", chart));
		const spread = values.filter((r) => r.low < r.high);
		const low = (r) => Math.max(r.low, from);
		marks.push(
			Plot.ruleY(spread, { x1: low, x2: "high", y: "row", stroke: "var(--ink)",
				strokeWidth: 1.6 }),
			Plot.tickX(spread, { x: low, y: "row", insetTop: 8, insetBottom: 8,
				stroke: "var(--ink)" }),
			Plot.tickX(spread, { x: "high", y: "row", insetTop: 8, insetBottom: 8,
				stroke: "var(--ink)" }),
			Plot.text(values, { x: "high", y: "row", text: "text", dx: 7, textAnchor: "start",
				fill: "var(--ink)", stroke: "var(--paper)", strokeWidth: 5 }),
			Plot.text(rows.filter((r) => r.heading === undefined), { y: "row",
				text: (r) => cut(r.name, left - 8), frameAnchor: "left", dx: -8, textAnchor: "end",
				fill: "var(--ink)" }),
			Plot.text(rows.filter((r) => r.heading !== undefined), { y: "row",
				text: (r) => cut(r.heading, left), frameAnchor: "left", dx: -left, textAnchor: "start",
				fill: "var(--ink)", fontWeight: 600 }));
		if (!chart.yLog) marks.push(Plot.ruleX([Math.max(0, from)], { stroke: "var(--edge)" }));
		return [Plot.plot({ ...common(width, height), marginLeft: left, marginRight: right,
			marginTop: 22, marginBottom: 40,
			x: { ...x, axis: null },
			y: { type: "band", domain: rows.map((r) => r.row), axis: null, padding: 0 },
			marks })];
	}

	// limit draws where the threshold of the claim is, or the sum of all.
	function limit(rule, channel, chart) {
		const at = chart.limit;
		const text = { text: [`${chart.sum ? "sum" : "threshold"} ${brief(at)}`], fill: "var(--ink)", fontWeight: 600 };
		return [
			rule([at], { stroke: "var(--ink)", strokeDasharray: "3 3", strokeWidth: 1.5 }),
			channel === "x" ?
				Plot.text([at], { ...text, x: [at], frameAnchor: "top", dy: -10 }) :
				Plot.text([at], { ...text, y: [at], frameAnchor: "right", textAnchor: "end",
					dy: -8, stroke: "var(--paper)", strokeWidth: 4 }),
		];
	}

	// lines draws values over X, of each run in a chart of its own, with the same axes.
	function lines(chart, width, chosen) {
		const curve = chart.kind === "percentiles";
		const positive = (p) => (!chart.xLog || p.x > 0) && (!chart.yLog || p.y > 0);
		const points = chart.panels.flatMap((p) => p.series.flatMap((s) => s.points)).filter(positive);
		const most = d3.max(chart.panels, (p) => p.series.length);
		const direct = width >= 460 && most <= 9;
		const longest = d3.max(chart.panels, (p) => d3.max(p.series, (s) => s.name.length)) ?? 0;
		const left = 52, right = direct ? Math.min(longest * 6.6 + 26, width * 0.35) : 14;
		const height = Math.round(Math.max(260, Math.min(400, width * 0.6)));
		const x = scale(points.map((p) => p.x), chart.xLog, width - left - right);
		const y = scale(valuesOf(chart, chart.yLog), chart.yLog, height * 2);
		if (!chart.xLog) x.domain[0] = Math.min(d3.min(points, (p) => p.x) ?? 0, x.domain[1]);
		if (curve) {
			x.domain[0] = 1;
			x.ticks = [1, 2, 10, 100, 1000, 1e4, 1e5].filter((t) => t <= x.domain[1]);
		}
		const top = 26, bottom = 38;
		const place = (y.type === "log" ? d3.scaleLog : d3.scaleLinear)(y.domain,
			[height - bottom, top]);
		return chart.panels.map((panel) => {
			const marks = [Plot.gridX(x.ticks, { stroke: faint, strokeOpacity: 1 }),
				Plot.gridY(y.ticks, { stroke: faint, strokeOpacity: 1 }),
				axis(Plot.axisX, x.ticks, curve ? percentile : brief, curve ? "percentile" :
					labelled(chart.xLabel, chart.xLog), { labelAnchor: "center" }),
				axis(Plot.axisY, y.ticks, brief, labelled(chart.yLabel, chart.yLog), {})];
			const ends = [];
			for (const s of panel.series) {
				const all = s.points.filter(positive);
				if (all.length === 0) continue;
				marks.push(...line(s, all, y.domain[0], curve, chosen.size && !chosen.has(s.name)));
				ends.push({ ...all[all.length - 1], name: s.name, ...styleOf(s) });
			}
			if (chart.limit !== undefined) marks.push(...limit(Plot.ruleY, "y", chart));
			if (direct) {
				const at = apart(ends.map((e) => place(e.y)), 15, top, height - bottom);
				ends.forEach((e, i) => marks.push(
					Plot.dot([e], { y: [place.invert(at[i])], frameAnchor: "right", dx: 10,
						symbol: e.symbol, fill: e.colour, r: 4 }),
					Plot.text([e], { y: [place.invert(at[i])], frameAnchor: "right", dx: 19,
						text: [cut(e.name, right - 19)], textAnchor: "start", fill: "var(--ink)" })));
			}
			marks.push(Plot.tip(panel.series.flatMap((s) => s.points.filter(positive).map((p) =>
				({ ...p, name: s.name }))), Plot.pointer({ x: "x", y: "y",
				title: (p) => `${p.name}\n${curve ? percentile(p.x) : brief(p.x)}: ${p.text}`,
				fill: "var(--paper)", stroke: "var(--edge)" })));
			return Plot.plot({ ...common(width, height), marginLeft: left, marginRight: right,
				marginTop: top, marginBottom: bottom,
				x: { ...x, axis: null }, y: { ...y, axis: null }, marks });
		});
	}

	// line draws one series with its spread: a band, and bars where there are marks.
	function line(s, points, bottom, curve, dim) {
		const { colour, symbol, dash } = styleOf(s);
		const opacity = dim ? 0.15 : 1;
		const spread = points.filter((p) => p.low < p.high);
		const low = (p) => Math.max(p.low, bottom);
		const marks = [];
		if (spread.length > 1) marks.push(Plot.areaY(points, { x: "x", y1: low, y2: "high",
			fill: colour, fillOpacity: dim ? 0.03 : 0.13 }));
		marks.push(Plot.lineY(points, { x: "x", y: "y", stroke: colour, strokeWidth: 2,
			strokeOpacity: opacity, strokeDasharray: dash }));
		if (!curve) marks.push(Plot.ruleX(spread, { x: "x", y1: low, y2: "high", stroke: colour,
			strokeOpacity: opacity }));
		const marked = curve ? points.filter((p) => [2, 10, 100, 1000, 1e4].some((t) =>
			Math.abs(p.x - t) < t / 100)) : points;
		marks.push(Plot.dot(marked, { x: "x", y: "y", fill: colour, symbol, r: 4,
			fillOpacity: opacity }));
		return marks;
	}

	// legend names the series of a chart. Those that are chosen stand out.
	function legend(chart, chosen, redraw) {
		const seen = new Map();
		for (const p of chart.panels) for (const s of p.series) seen.set(s.name, s);
		return element("ul", { class: "legend", "aria-label": "Series: choose those to stand out" },
			...[...seen.values()].map((s) => {
				const { colour, symbol, dash } = styleOf(s);
				const sample = Plot.plot({ width: 30, height: 12, margin: 0, x: { domain: [0, 2] },
					y: { domain: [0, 2] }, axis: null, style: { background: "none" }, marks: [
						Plot.line([[0, 1], [2, 1]], { stroke: colour, strokeWidth: 2,
							strokeDasharray: dash }),
						Plot.dot([[1, 1]], { fill: colour, symbol, r: 4 })] });
				sample.setAttribute("aria-hidden", "true");
				const button = element("button", { type: "button",
					"aria-pressed": chosen.has(s.name), "data-name": s.name }, sample, s.name);
				button.addEventListener("click", () => {
					if (!chosen.delete(s.name)) chosen.add(s.name);
					redraw(s.name);
				});
				return element("li", {}, button);
			}));
	}

	// draw draws a chart into its place, as wide as there is room.
	function draw(chart, place) {
		const width = Math.floor(place.clientWidth);
		if (width === 0) return; // folded away
		place.width = width;
		place.chosen ??= new Set();
		if (chart.kind === "bars") {
			place.replaceChildren(...named(chart, bars(chart, width)));
			return;
		}
		const columns = Math.min(chart.panels.length, Math.max(1, Math.floor(width / 380)));
		const each = Math.floor((width - 32 * (columns - 1)) / columns);
		const plots = named(chart, lines(chart, each, place.chosen));
		const panels = element("div", { class: "panels" }, ...plots.map((svg, i) =>
			element("div", { class: "panel" }, ...(chart.panels[i].run ? [element("p",
				{ class: "run" }, element("span", { class: "letter" }, chart.panels[i].run))] : []),
			svg)));
		panels.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
		const most = d3.max(chart.panels, (p) => p.series.length);
		const keys = most > 9 || each < 460 ? [legend(chart, place.chosen, (name) => {
			draw(chart, place);
			$$(".legend button", place).find((b) => b.dataset.name === name)?.focus();
		})] : [];
		place.replaceChildren(...keys, panels);
	}

	// named gives each picture the chart's title and summary as its text.
	function named(chart, plots) {
		plots.forEach((svg, i) => {
			svg.setAttribute("role", "img");
			const run = chart.panels.length > 1 && plots.length > 1 ?
				`, run ${chart.panels[i].run}` : "";
			const caption = $("figcaption", document.getElementById(chart.id).closest("figure"));
			svg.setAttribute("aria-label", caption.textContent.trim().replace(/\s+/g, " ") + run);
		});
		return plots;
	}

	const places = data.charts.map((chart) => [chart, document.getElementById(chart.id)]);
	const drawAll = () => {
		for (const [chart, place] of places)
			if (Math.floor(place.clientWidth) !== place.width) draw(chart, place);
	};

	function charts() {
		const watch = new ResizeObserver(() => requestAnimationFrame(drawAll));
		for (const [, place] of places) watch.observe(place);
		drawAll();
	}

	theme();
	table();
	sources();
	printing();
	charts();
})();
