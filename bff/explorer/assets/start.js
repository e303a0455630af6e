// GraphiQL sends its requests to /graphql with the page's session, or with the Authorization header that the person typed.
(async () => {
  const session = await fetch('/sesion').then((r) => (r.ok ? r.json() : null)).catch(() => null);

  // events yields the results of a subscription from a stream of server-sent events.
  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const parts = rest.split('\n\n');
      rest = parts.pop();
      for (const part of parts) {
        const data = part.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5)).join('');
        if (part.includes('event: next') && data.trim()) yield JSON.parse(data);
      }
    }
  }

  const isSubscription = (params) => /^\s*subscription\b/m.test(params.query);

  async function* request(params, options) {
    const streams = isSubscription(params);
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: streams ? 'text/event-stream' : 'application/json',
        ...(session ? { 'X-CSRF-Token': session.csrf } : {}),
        ...(options?.headers ?? {}),
      },
      body: JSON.stringify(params),
    });
    if (streams && response.ok) yield* events(response.body);
    else yield await response.json();
  }

  ReactDOM.createRoot(document.getElementById('graphiql')).render(
    React.createElement(GraphiQL, {
      fetcher: (params, options) => (isSubscription(params) ? request(params, options) : request(params, options).next().then((r) => r.value)),
      defaultQuery: '{\n  productos(buscar: "cafe") { id nombre cantidad }\n}\n',
    }),
  );

  // GraphiQL's editors have no labels, and a phone has no key to scroll them.
  const names = [['.graphiql-query-editor', 'Query'], ['.graphiql-editor-tool .graphiql-editor:nth-child(1)', 'Variables'], ['.graphiql-editor-tool .graphiql-editor:nth-child(2)', 'Headers'], ['.result-window', 'Response']];
  const label = () => {
    for (const [selector, name] of names) {
      for (const field of document.querySelectorAll(`${selector} textarea`)) if (!field.ariaLabel) field.ariaLabel = name;
      for (const area of document.querySelectorAll(`${selector} .CodeMirror-scroll`)) {
        if (area.tabIndex < 0) Object.assign(area, { tabIndex: 0, role: 'group', ariaLabel: name });
      }
    }
  };
  new MutationObserver(label).observe(document.getElementById('graphiql'), { childList: true, subtree: true });
})();
