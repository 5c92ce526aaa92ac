// What is wrong with how the charts are drawn: the value is a list. Charts must be there, with
// marks, and no text may cover another or be cut off.
(() => {
	const wrong = [];
	const data = JSON.parse(document.getElementById("data").textContent);
	for (const chart of data.charts) {
		const place = document.getElementById(chart.id);
		if (place.clientWidth === 0) {
			wrong.push(`${chart.id} is folded away`);
			continue;
		}
		const pictures = [...place.querySelectorAll("svg[role=img]")];
		const panels = chart.kind === "bars" ? 1 : chart.panels.length;
		if (pictures.length !== panels)
			wrong.push(`${chart.id} has ${pictures.length} pictures, not ${panels}`);
		const points = chart.panels.flatMap((p) => p.series.flatMap((s) => s.points));
		const spread = points.filter((p) => p.low < p.high).length;
		const marks = (label, shape) => pictures.reduce((n, svg) =>
			n + svg.querySelectorAll(`g[aria-label="${label}"] ${shape}`).length, 0);
		if (chart.kind === "bars") {
			const shown = chart.yLog ? marks("dot", "*") : marks("bar", "rect");
			if (shown !== points.length)
				wrong.push(`${chart.id} shows ${shown} of ${points.length} values`);
			if (marks("rule", "line") < spread)
				wrong.push(`${chart.id} shows ${marks("rule", "line")} of ${spread} intervals`);
		} else {
			const series = chart.panels.reduce((n, p) => n + p.series.length, 0);
			if (marks("line", "path") !== series)
				wrong.push(`${chart.id} shows ${marks("line", "path")} of ${series} lines`);
			if (spread > 0 && marks("area", "path") === 0)
				wrong.push(`${chart.id} shows no spread`);
		}
		const limit = chart.sum ? "sum" : "threshold";
		if (chart.limit !== undefined && !pictures.every((p) => p.textContent.includes(limit)))
			wrong.push(`${chart.id} does not show its ${limit}`);
		const names = new Set(chart.panels.flatMap((p) => p.series.map((s) => s.name)));
		for (const name of names)
			if (names.size > 1 && ![...place.querySelectorAll("text, button")].some((t) =>
				t.lastChild?.textContent === name || chart.kind === "bars" && t.textContent.startsWith(name)))
				wrong.push(`${chart.id} does not name ${name}`);
		for (const svg of pictures) {
			const page = document.documentElement.clientWidth;
			const texts = [...svg.querySelectorAll("text")].filter((t) => t.textContent.trim() &&
				!t.closest("[aria-label=tip]")).map((t) => [t, t.getBoundingClientRect()]);
			if (texts.length < 3) wrong.push(`${chart.id} has ${texts.length} texts`);
			for (const [t, r] of texts) {
				if (r.left < -1 || r.right > page + 1)
					wrong.push(`${chart.id}: "${t.textContent}" is cut off at ${r.left}, ${r.right}`);
				for (const [u, s] of texts) {
					if (t === u) break;
					const x = Math.min(r.right, s.right) - Math.max(r.left, s.left);
					const y = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
					if (x > 1 && y > 3)
						wrong.push(`${chart.id}: "${t.textContent}" covers "${u.textContent}"`);
				}
			}
		}
	}
	return wrong;
})()
