package pages

// cls is a JavaScript expression: the cumulative layout shift of the page (https://web.dev/articles/cls), as text.
const cls = `(() => {
	let shift = 0;
	const o = new PerformanceObserver(() => {});
	o.observe({ type: "layout-shift", buffered: true });
	for (const e of o.takeRecords()) if (!e.hadRecentInput) shift += e.value;
	o.disconnect();
	return shift.toFixed(3);
})()`
