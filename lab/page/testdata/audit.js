// What a page must have so that everybody can use it. The value is a list of what is wrong with the
// page as it stands: what is folded away is not looked at.
(() => {
	const wrong = [];
	const say = (e, text) => wrong.push(`${where(e)}: ${text}`);
	const where = (e) => {
		const own = e.id ? "#" + e.id : e.getAttribute("class") ? "." + e.getAttribute("class") : "";
		const text = e.textContent.trim().replace(/\s+/g, " ").slice(0, 30);
		return e.tagName.toLowerCase() + own + (text ? ` "${text}"` : "");
	};
	const visible = (e) => e.checkVisibility({ visibilityProperty: true }) &&
		e.getClientRects().length > 0;
	const all = (selector) => [...document.querySelectorAll(selector)];
	const named = (e) => {
		const by = (e.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean)
			.map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
		const labels = [...(e.labels ?? [])].map((l) => l.textContent).join(" ");
		return (by || e.getAttribute("aria-label") || labels || "").trim();
	};

	// The document.
	if (!document.documentElement.lang) wrong.push("the page has no language");
	if (!document.title.trim()) wrong.push("the page has no title");
	if (all("main").length !== 1) wrong.push("the page has not one main part");
	if (all("h1").length !== 1) wrong.push("the page has not one first heading");
	let level = 0;
	for (const h of all("h1, h2, h3, h4, h5, h6").filter(visible)) {
		const n = Number(h.tagName[1]);
		if (n > level + 1) say(h, `a heading of level ${n} after one of level ${level}`);
		level = n;
	}

	// Names.
	const ids = new Set();
	for (const e of all("[id]")) {
		if (ids.has(e.id)) say(e, "another element has the same id");
		ids.add(e.id);
	}
	for (const name of ["aria-labelledby", "aria-describedby", "aria-controls", "for"])
		for (const e of all(`[${name}]`))
			for (const id of e.getAttribute(name).split(/\s+/))
				if (!ids.has(id)) say(e, `${name} names ${id}, which does not exist`);
	for (const e of all("a[href]"))
		if (!ids.has(decodeURIComponent(e.getAttribute("href").slice(1))))
			say(e, `leads to ${e.getAttribute("href")}, which does not exist`);
	for (const e of all("svg, img"))
		if (!e.closest("[aria-hidden=true]") && !(e.getAttribute("role") === "img" && named(e)) &&
			!e.parentElement.closest("svg")) say(e, "a picture without a name");
	for (const e of all("input, select, textarea")) if (!named(e)) say(e, "a field without a label");
	for (const e of all("button, a[href], summary"))
		if (!e.textContent.trim() && !named(e)) say(e, "a control without a name");
	for (const e of all("section, article, nav, [role=region], figure"))
		if (!named(e)) say(e, "a part of the page without a name");
	for (const e of all("nav, main, header, footer"))
		if (e.parentElement.closest("p, ul, table")) say(e, "a landmark within text");

	// Tables and lists.
	for (const e of all("table"))
		if (!e.querySelector("th")) say(e, "a table without headings");
	for (const e of all("th")) if (!e.hasAttribute("scope")) say(e, "a heading of nothing");
	for (const e of all("ul > *, ol > *")) if (e.tagName !== "LI") say(e, "in a list, and no item");
	for (const e of all("dl > div > *"))
		if (!/^D[TD]$/.test(e.tagName)) say(e, "in a list of terms, and neither");

	// The keyboard.
	for (const e of all("[tabindex]"))
		if (e.tabIndex > 0) say(e, "has a place of its own in the order of the keyboard");
	for (const e of all("body *").filter(visible)) {
		const style = getComputedStyle(e);
		const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY) &&
			(e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
		if (scrolls && e.tabIndex < 0 && !e.querySelector("a[href], button, input, select"))
			say(e, "scrolls, and no key reaches it");
	}
	for (const e of all("button, input, select, summary").filter(visible)) {
		const r = e.getBoundingClientRect();
		if (r.width < 24 || r.height < 24)
			say(e, `is ${Math.round(r.width)} by ${Math.round(r.height)}: too small to hit`);
	}

	// Contrast.
	const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgba = (colour) => {
		context.clearRect(0, 0, 1, 1);
		context.fillStyle = colour;
		context.fillRect(0, 0, 1, 1);
		const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
		return [r, g, b, a / 255];
	};
	const over = (top, bottom) => [0, 1, 2].map((i) => top[i] * top[3] + bottom[i] * (1 - top[3]))
		.concat(1);
	const ground = (e) => {
		const layers = [];
		for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
		return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
	};
	const luminance = ([r, g, b]) => {
		const [x, y, z] = [r, g, b].map((c) => c / 255)
			.map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const contrast = (a, b) => {
		const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
		return (x + 0.05) / (y + 0.05);
	};
	const seen = new Set();
	const check = (e, colour, least, what) => {
		const below = ground(e);
		const c = contrast(over(rgba(colour), below), below);
		const key = what + colour + below;
		if (c < least && !seen.has(key)) {
			seen.add(key);
			say(e, `${what} has a contrast of ${c.toFixed(2)}, ${least} is the least`);
		}
	};
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		if (!texts.currentNode.data.trim() || !visible(e)) continue;
		const style = getComputedStyle(e);
		if (e.closest(".drawing") && style.stroke !== "none") continue; // outlined, on any colour
		const size = parseFloat(style.fontSize);
		const large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
		const colour = e.closest("svg") && e.namespaceURI.endsWith("svg") ? style.fill : style.color;
		if (colour !== "none") check(e, colour, large ? 3 : 4.5, "the text");
	}
	for (const e of all(".plot path, .plot line, .plot rect, .legend path").filter(visible)) {
		const style = getComputedStyle(e);
		const grid = e.closest("[aria-label$=grid]");
		if (grid || e.closest("[aria-label=tip]")) continue;
		if (style.stroke !== "none" && style.strokeOpacity > 0.9) check(e, style.stroke, 3, "the line");
		if (style.fill !== "none" && style.fillOpacity > 0.9) check(e, style.fill, 3, "the mark");
	}
	for (const e of all("input, select, .top button").filter(visible))
		check(e.parentElement, getComputedStyle(e).borderTopColor, 3, "the border of a control");
	return wrong;
})()
